/// Reads the parameters of a request and turns what does not fit into a `RequestError` that names the parameter.
struct Fields<Key: CodingKey & CaseIterable> {
    private let container: KeyedDecodingContainer<Key>
    private let decoder: any Decoder

    init(_ decoder: any Decoder) throws(RequestError) {
        self.decoder = decoder
        do {
            container = try decoder.container(keyedBy: Key.self)
        } catch {
            throw .notJSON
        }
    }

    func string(_ key: Key) throws(RequestError) -> String? { try value(key, "a string") }
    func integer(_ key: Key) throws(RequestError) -> Int? { try value(key, "an integer") }
    func number(_ key: Key) throws(RequestError) -> Double? { try value(key, "a number") }
    func flag(_ key: Key) throws(RequestError) -> Bool? { try value(key, "true or false") }

    /// One of the names of an enumeration.
    func named<Name>(_ key: Key) throws(RequestError) -> Name?
    where Name: RawRepresentable & CaseIterable, Name.RawValue == String {
        guard let text = try string(key) else { return nil }
        guard let name = Name(rawValue: text) else {
            throw .unknownName(param: key.stringValue, value: text, allowed: Name.allCases.map(\.rawValue))
        }
        return name
    }

    /// An unsigned 64-bit seed; absent, null and -1 all mean "choose one".
    func seed(_ key: Key) throws(RequestError) -> UInt64? {
        if let negative = try? container.decodeIfPresent(Int64.self, forKey: key), negative == -1 { return nil }
        return try value(key, "an integer from 0 to 18446744073709551615, or -1")
    }

    /// The names in the object that are not parameters, in alphabetical order.
    func unknown() -> [String] {
        let known = Set(Key.allCases.map(\.stringValue))
        let present = (try? decoder.container(keyedBy: AnyKey.self))?.allKeys ?? []
        return present.map(\.stringValue).filter { !known.contains($0) }.sorted()
    }

    private func value<Value: Decodable>(_ key: Key, _ expected: String) throws(RequestError) -> Value? {
        do {
            return try container.decodeIfPresent(Value.self, forKey: key)
        } catch {
            throw .wrongType(param: key.stringValue, expected: expected)
        }
    }
}

/// A key of any name.
private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) {
        nil
    }
}

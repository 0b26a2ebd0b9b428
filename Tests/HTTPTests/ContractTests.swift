import API
import Foundation
import JSON
import Kinds
import Synchronization
import Testing
import UnixHTTP
import Vocabulary

/// What `/openapi.json` promises is what there is.
@Suite struct ContractTests {
    private func contract(_ server: TestServer) throws -> JSON {
        try JSON(try server.client.send("GET", "/openapi.json").body)
    }

    @Test func `the contract and the router have the same routes`() async throws {
        try await TestServer.serving { server throws in
            var promised: Set<String> = []
            for (path, operations) in try contract(server)["paths"]?.asObject ?? [:] {
                for method in (operations.asObject ?? [:]).keys { promised.insert("\(method.uppercased()) \(path)") }
            }
            // AUTOMATIC1111's dialect has a contract of its own.
            #expect(promised == server.routes.filter { !$0.contains(" /sdapi/") })
            #expect(promised.count >= 17)
        }
    }

    @Test func `every promised route answers with a promised status`() async throws {
        try await TestServer.serving { server throws in
            server.desk.add(JobID("here"), .succeeded)
            for (path, operations) in try contract(server)["paths"]?.asObject ?? [:] {
                for (method, operation) in operations.asObject ?? [:] {
                    let address = path.replacingOccurrences(of: "{id}", with: "here")
                        .replacingOccurrences(of: "{number}", with: "0")
                    let body = TestServer.body(method.uppercased(), path)
                    // Those who wait for the end of a job are told of it.
                    let isWaiting = path.hasPrefix("/v1/chat") || path.hasPrefix("/v1/images")
                    server.desk.state.withLock { state in
                        let end = state.jobs.first.map { [JobEvent.result($0)] } ?? []
                        state.script = isWaiting ? end : nil
                    }
                    let reply = try server.client.send(method.uppercased(), address, body.map { Array($0.utf8) })
                    let responses = operation["responses"]?.asObject ?? [:]
                    if (200..<300).contains(reply.status) {
                        #expect(responses["\(reply.status)"] != nil, "\(method) \(path): \(reply.status)")
                    } else {
                        #expect(responses["default"] != nil)
                        #expect(try reply.decode(ErrorEnvelope.self).error.code != "unknown_route", "\(method) \(path)")
                    }
                }
            }
        }
    }

    @Test func `every parameter of every kind is told with its bounds, and every reference leads somewhere`()
        async throws
    {
        try await TestServer.serving { server throws in
            let contract = try contract(server)
            let schemas = contract["components"]?["schemas"]?.asObject ?? [:]
            for kind in TestServer.kinds.kinds {
                let properties = try #require(schemas[kind.kind.rawValue]?["properties"]?.asObject)
                let names = Set(kind.parameters.map(\.name)).union(["kind", "priority", "strict"])
                #expect(Set(properties.keys) == names)
                for parameter in kind.parameters {
                    let schema = try #require(properties[parameter.name])
                    #expect(schema["description"]?.asString?.isEmpty == false)
                    switch parameter.values {
                    case .integer(let range):
                        #expect(schema["minimum"]?.asInt == range.lowerBound)
                        #expect(schema["maximum"]?.asInt == range.upperBound)
                    case .text(let bytes): #expect(schema["maxLength"]?.asInt == bytes)
                    case .choice(let words): #expect(schema["enum"]?.asArray?.compactMap(\.asString) == words)
                    default: break
                    }
                }
            }
            var references: Set<String> = []
            func collect(_ value: JSON) {
                switch value {
                case .object(let members):
                    if let name = members["$ref"]?.asString { references.insert(name) }
                    members.values.forEach(collect)
                case .array(let values): values.forEach(collect)
                default: break
                }
            }
            collect(contract)
            #expect(
                references
                    == Set(references.filter { schemas[$0.split(separator: "/").last.map(String.init) ?? ""] != nil }))
            #expect(!references.isEmpty)
        }
    }
}

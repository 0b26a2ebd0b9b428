// Dense tensors: row-major, images channels last (N, H, W, C). A tensor is a value; its storage is shared and, once
// an operation has filled it, never written again.

package struct Tensor: Sendable {
    /// Extent of every axis; an empty shape is a scalar.
    package let shape: [Int]
    package let type: DType
    let storage: Storage
    /// First element, counted in elements from the start of the storage.
    let offset: Int

    init(shape: [Int], type: DType, storage: Storage, offset: Int) {
        self.shape = shape
        self.type = type
        self.storage = storage
        self.offset = offset
    }

    /// A new tensor whose contents the caller is about to write.
    init(uninitialized shape: [Int], _ type: DType) {
        precondition(shape.allSatisfy { $0 >= 0 }, "a shape has no negative extents: \(shape)")
        let count = shape.reduce(1, *)
        self.init(shape: shape, type: type, storage: Storage(bytes: count * type.bytes), offset: 0)
    }

    /// f32 tensor with the given elements in row-major order; their number must be the product of `shape`.
    package init(_ values: [Float], _ shape: [Int]) {
        precondition(values.count == shape.reduce(1, *), "\(values.count) values do not fill \(shape)")
        self.init(uninitialized: shape, .f32)
        unsafe values.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { unsafe storage.pointer.copyMemory(from: base, byteCount: bytes.count) }
        }
    }

    /// Zeros.
    package init(zeros shape: [Int], _ type: DType = .f32) {
        self.init(uninitialized: shape, type)
        guard storage.walk == nil else { return }  // new pages are zeros
        unsafe storage.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: count * type.bytes)
    }

    /// A tensor of the encoded elements in `bytes`, which need no alignment and must fill `shape`.
    package init(copying bytes: UnsafeRawBufferPointer, _ shape: [Int], _ type: DType) {
        precondition(bytes.count == shape.reduce(1, *) * type.bytes, "\(bytes.count) bytes do not fill \(shape)")
        self.init(uninitialized: shape, type)
        if let base = bytes.baseAddress { unsafe storage.pointer.copyMemory(from: base, byteCount: bytes.count) }
    }

    /// A tensor over memory that `owner` keeps alive, such as a mapped checkpoint; nothing is copied.
    /// `bytes` must hold the elements of `shape`, aligned to the element.
    package init(mapped bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable, _ shape: [Int], _ type: DType) {
        precondition(bytes.count == shape.reduce(1, *) * type.bytes, "\(bytes.count) bytes do not fill \(shape)")
        self.init(shape: shape, type: type, storage: unsafe Storage(mapped: bytes, owner: owner), offset: 0)
    }

    /// Number of elements.
    package var count: Int { shape.reduce(1, *) }
    /// Extent of the last axis, 1 for a scalar.
    package var width: Int { shape.last ?? 1 }
    /// Product of all extents but the last.
    package var rows: Int { shape.dropLast().reduce(1, *) }
    /// Number of axes.
    package var rank: Int { shape.count }

    var read: UnsafeRawPointer { unsafe UnsafeRawPointer(storage.pointer + offset * type.bytes) }
    var write: UnsafeMutableRawPointer { unsafe storage.pointer + offset * type.bytes }

    /// The same elements under another shape of equal count.
    package func reshaped(_ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count, "\(self.shape) does not reshape to \(shape)")
        return Tensor(shape: shape, type: type, storage: storage, offset: offset)
    }

    /// Part of the first axis, sharing storage.
    package subscript(rows range: Range<Int>) -> Tensor {
        precondition(rank > 0 && range.lowerBound >= 0 && range.upperBound <= shape[0], "\(range) is outside \(shape)")
        let stride = shape.dropFirst().reduce(1, *)
        return Tensor(
            shape: [range.count] + shape.dropFirst(), type: type, storage: storage,
            offset: offset + range.lowerBound * stride)
    }

    /// Element `index` of the first axis, that axis dropped.
    package subscript(_ index: Int) -> Tensor {
        self[rows: index..<index + 1].reshaped(Array(shape.dropFirst()))
    }

    /// All elements as f32, row-major.
    package var floats: [Float] {
        let source = converted(to: .f32)
        source.storage.walk?.pass(4 * count)
        return withExtendedLifetime(source) {
            unsafe Array(
                UnsafeBufferPointer(start: source.read.assumingMemoryBound(to: Float.self), count: source.count))
        }
    }
}

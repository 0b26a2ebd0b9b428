import CKernels

/// Which keys a query sees, beside the padding mask.
package enum AttentionMask: Sendable {
    case none
    /// Query i sees keys 0 ... keys − queries + i.
    case causal
    /// Additive f32 bias [B, keys] or [1, keys]; −∞ or a large negative number hides a key.
    case keys(Tensor)
    /// Additive f32 bias [queries, keys].
    case queriesAndKeys(Tensor)
}

extension Tensor {
    /// softmax(scale·QKᵀ + mask)·V (Vaswani et al. 2017, eq. 1) for every head.
    ///
    /// self Q [B, T, heads·d], keys [B, S, kvHeads·d], values [B, S, kvHeads·d] → [B, T, heads·d]; `heads` is a
    /// multiple of `kvHeads`. `scale` nil means 1/√d.
    package func attending(
        keys: Tensor, values: Tensor, heads: Int, kvHeads: Int? = nil, scale: Float? = nil, mask: AttentionMask = .none
    ) -> Tensor {
        let kvHeads = kvHeads ?? heads
        precondition(rank == 3 && keys.rank == 3 && keys.shape == values.shape, "attention takes [B, T, heads·d]")
        precondition(heads % kvHeads == 0 && width % heads == 0, "\(width) in \(heads) heads, \(kvHeads) for keys")
        let size = width / heads
        precondition(keys.width == kvHeads * size && keys.shape[0] == shape[0], "\(keys.shape) for queries \(shape)")
        let keys = keys.converted(to: type)
        let values = values.converted(to: type)
        let y = Tensor(uninitialized: shape, type)
        var geometry = unsafe lz_attention()
        unsafe geometry.batch = shape[0]
        unsafe geometry.heads = heads
        unsafe geometry.kv_heads = kvHeads
        unsafe geometry.queries = shape[1]
        unsafe geometry.keys = keys.shape[1]
        unsafe geometry.head_size = size
        unsafe (geometry.q_batch, geometry.q_token, geometry.q_head) = (shape[1] * width, width, size)
        unsafe (geometry.k_batch, geometry.k_token, geometry.k_head) = (keys.shape[1] * keys.width, keys.width, size)
        unsafe (geometry.v_batch, geometry.v_token, geometry.v_head) = (keys.shape[1] * keys.width, keys.width, size)
        unsafe (geometry.y_batch, geometry.y_token, geometry.y_head) = (shape[1] * width, width, size)
        unsafe geometry.scale = scale ?? 1 / Float(size).squareRoot()
        var bias: Tensor?
        switch mask {
        case .none: break
        case .causal: unsafe geometry.causal = true
        case .keys(let mask):
            precondition(mask.width == keys.shape[1] && (mask.rows == 1 || mask.rows == shape[0]), "mask \(mask.shape)")
            bias = mask
            unsafe geometry.bias_batch = mask.rows == 1 ? 0 : mask.width
        case .queriesAndKeys(let mask):
            precondition(mask.shape == [shape[1], keys.shape[1]], "mask \(mask.shape)")
            bias = mask
            unsafe geometry.bias_query = mask.width
        }
        withExtendedLifetime((self, keys, values, bias, y)) {
            unsafe geometry.bias = unsafe bias?.floatPointer
            unsafe lz_attend(&geometry, read, keys.read, values.read, y.write, type.kernel)
        }
        return y
    }

    /// Rotary position embedding (Su et al. 2021) of [B, T, heads·d]: rotate-half pairs (i, i + d/2), or neighbours
    /// (2i, 2i + 1) when `interleaved`. `cosine` and `sine` are [T, d/2] in f32, shared by the batch.
    package func rotated(heads: Int, cosine: Tensor, sine: Tensor, interleaved: Bool = false) -> Tensor {
        precondition(rank == 3 && cosine.shape == [shape[1], width / heads / 2] && sine.shape == cosine.shape)
        let y = Tensor(uninitialized: shape, type)
        guard y.storage.walk == nil else { return y }
        withExtendedLifetime((self, cosine, sine, y)) {
            unsafe y.write.copyMemory(from: read, byteCount: count * type.bytes)
            for sample in 0..<shape[0] {
                unsafe lz_rotate(
                    shape[1], heads, width / heads, width, cosine.floatPointer, sine.floatPointer, interleaved,
                    y.write + sample * shape[1] * width * type.bytes, type.kernel)
            }
        }
        return y
    }
}

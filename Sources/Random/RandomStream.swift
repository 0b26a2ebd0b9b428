// Streams of normal variates, named after what they reproduce.

/// A stream of standard normal variates that a job draws its latents and its samplers' noise from, in order.
package protocol RandomStream: Sendable {
    /// The next `count` variates: what one `randn` of that many elements returns. Order is the order in memory of the
    /// reference's tensor (N, C, H, W for latents).
    mutating func normal(_ count: Int) -> [Float]
}

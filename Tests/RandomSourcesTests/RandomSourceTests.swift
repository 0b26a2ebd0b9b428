import RandomSources
import Testing
import Vocabulary

@Suite struct RandomSourceTests {
    let golden: Golden

    init() throws { golden = try Golden.load() }

    @Test func `torch draws have torch's bits for every count and seed`() throws {
        for stream in golden.single + golden.sequences {
            var source = TorchRandomSource(seed: try #require(UInt64(stream.seed)))
            for draw in stream.draws {
                #expect(draw.matches(source.normal(draw.count)), "seed \(stream.seed), count \(draw.count)")
            }
        }
    }

    @Test func `philox draws agree with the formula in numpy`() throws {
        for stream in golden.philox {
            var source = PhiloxRandomSource(seed: try #require(UInt64(stream.seed)))
            for draw in stream.draws {
                #expect(draw.matches(source.normal(draw.count)), "seed \(stream.seed), count \(draw.count)")
            }
        }
    }

    @Test func `philox draws are what a CUDA generator prints for seed 0`() {
        // torch.randn((3, 4), device="cuda", generator seeded with 0), as AUTOMATIC1111's rng_philox.py quotes it.
        let printed: [Float] = [
            -0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564, -0.62285122, -0.32838709,
            -1.07454231, -0.36314407, -1.67105067, 2.26550497,
        ]
        var source = PhiloxRandomSource(seed: 0)
        for (value, expected) in zip(source.normal(12), printed) { #expect(abs(value - expected) < 1e-6) }
    }

    @Test func `a Brownian tree has torchsde's bits`() throws {
        for tree in golden.trees {
            let path = BrownianTree(
                seed: try #require(UInt64(tree.seed)), from: Float(bitPattern: tree.low),
                to: Float(bitPattern: tree.high), count: tree.queries[0].noise.count)
            for query in tree.queries {
                let noise = path.noise(from: Float(bitPattern: query.from), to: Float(bitPattern: query.to))
                #expect(query.noise.matches(noise), "seed \(tree.seed) from \(Float(bitPattern: query.from))")
            }
        }
    }

    @Test func `adjoining increments of a Brownian tree add up`() {
        let path = BrownianTree(seed: 9, from: 0.03, to: 14.6, count: 64)
        let (upper, lower) = (path.noise(from: 8, to: 4), path.noise(from: 4, to: 2))
        let whole = path.noise(from: 8, to: 2)
        for i in whole.indices {
            let sum = Float(4).squareRoot() * upper[i] + Float(2).squareRoot() * lower[i]
            #expect(abs(sum - Float(6).squareRoot() * whole[i]) < 1e-5)
        }
    }

    @Test(arguments: [0, -1]) func `drawing nothing gives nothing`(count: Int) {
        var torch = TorchRandomSource(seed: 1)
        var philox = PhiloxRandomSource(seed: 1)
        #expect(torch.normal(count).isEmpty)
        #expect(philox.normal(count).isEmpty)
    }

    @Test func `a large draw has mean 0, variance 1 and no repeats between seeds`() {
        var source = TorchRandomSource(seed: 2024)
        let values = source.normal(1 << 16).map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(values.count)
        #expect(abs(mean) < 0.02)
        #expect(abs(variance - 1) < 0.02)
        var other = TorchRandomSource(seed: 2025)
        #expect(other.normal(4).map(Double.init) != Array(values.prefix(4)))
    }
}

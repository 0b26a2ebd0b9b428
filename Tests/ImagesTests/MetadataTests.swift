import Images
import Testing
import Vocabulary

@Suite struct MetadataTests {
    private let image = noise(width: 16, height: 12, channels: 3)

    static let texts = [
        ("a red apple\nNegative prompt: blur\nSteps: 20, Sampler: Euler a, Seed: 1", #"{"seed":1}"#),
        ("crème brûlée", #"{"prompt":"crème brûlée","n":[1,2]}"#),
        ("сова 🦉 梟 \u{1F468}\u{200D}\u{1F469}\nline\r\nother", #"{"prompt":"сова 🦉","quote":"\"<&>\\"}"#),
        ("", "{}"), (String(repeating: "long ", count: 4000), "{\"p\":\"\(String(repeating: "long ", count: 4000))\"}"),
    ]

    @Test(arguments: texts) func `PNG and JPEG give the recipe back exactly`(_ parameters: String, _ recipe: String)
        throws
    {
        for source in Metadata.DigitalSource.allCases {
            let metadata = Metadata(parameters: parameters, recipe: recipe, source: source)
            let png = try image.png(metadata: metadata)
            #expect(try Metadata(reading: png) == metadata)
            #expect(try Image.decode(png) == image)
            let jpeg = try image.jpeg(metadata: metadata)
            #expect(try Metadata(reading: jpeg) == metadata)
            #expect(try Image.decode(jpeg) == Image.decode(image.jpeg()))
            let webp = try image.webp(quality: 100, metadata: metadata)
            #expect(try Metadata(reading: webp) == metadata)
            #expect(try Image.decode(webp) == image)
        }
    }

    @Test func `parts are optional`() throws {
        for metadata in [Metadata(), Metadata(parameters: "a"), Metadata(recipe: "{}"), Metadata(source: .generated)] {
            #expect(try Metadata(reading: image.png(metadata: metadata)) == metadata)
            #expect(try Metadata(reading: image.jpeg(metadata: metadata)) == metadata)
            #expect(try Metadata(reading: image.webp(metadata: metadata)) == metadata)
        }
    }

    @Test func `Latin text is tEXt, other text is iTXt`() throws {
        func types(_ text: String) throws -> [String] {
            let file = try image.png(metadata: Metadata(parameters: text))
            return ["tEXt", "iTXt"].filter { type in file.indices.contains { file[$0...].starts(with: type.utf8) } }
        }
        #expect(try types("crème") == ["tEXt"])
        #expect(try types("крем") == ["iTXt"])
    }

    @Test func `a recipe too long for JPEG is refused with its size`() {
        let metadata = Metadata(parameters: String(repeating: "x", count: 33_000))
        #expect(throws: ImageError.metadataTooLarge(bytes: 66_194, limit: 65533)) { try image.jpeg(metadata: metadata) }
        #expect(throws: Never.self) { try image.png(metadata: metadata) }
        #expect(throws: ImageError.metadataText) { try image.png(metadata: Metadata(recipe: "a\0b")) }
        #expect(throws: ImageError.metadataText) { try image.jpeg(metadata: Metadata(recipe: "a\0b")) }
    }

    @Test(arguments: records("metadata.tsv")) func `text written by Pillow is read`(_ cells: [String]) throws {
        let text = String(decoding: bytes(cells[2]), as: UTF8.self)
        #expect(try Metadata(reading: bytes(cells[1])).parameters == text, "\(cells[0])")
    }

    @Test func `pictures without a recipe have none`() throws {
        for name in ["rgb", "jpeg 4:2:0", "orientation 6 JPEG"] {
            #expect(try Metadata(reading: picture(name).file) == Metadata())
        }
    }
}

@Suite struct A1111ParametersTests {
    @Test func `the text of AUTOMATIC1111 is written and read`() {
        let parameters = A1111Parameters(
            prompt: "a red apple, (juicy:1.2)\non a blue: background", negativePrompt: "blur,\nlow quality",
            settings: [
                .init("Steps", "20"), .init("Sampler", "Euler a"), .init("Schedule type", "Karras"),
                .init("CFG scale", "7"),
                .init("Seed", "1"), .init("Size", "512x512"), .init("Model hash", "6ce0161689"),
                .init("Model", "v1-5, pruned"),
                .init("Hires upscale", "2"), .init("Version", "Lazuli 0.1"),
            ])
        let text = """
            a red apple, (juicy:1.2)
            on a blue: background
            Negative prompt: blur,
            low quality
            Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7, Seed: 1, Size: 512x512, \
            Model hash: 6ce0161689, Model: "v1-5, pruned", Hires upscale: 2, Version: Lazuli 0.1
            """
        #expect(parameters.text == text)
        #expect(A1111Parameters(text) == parameters)
        #expect(parameters["Schedule type"] == "Karras" && parameters["Missing"] == nil)
    }

    @Test(arguments: [
        "plain", "a, b", "a: b", "with \"quotes\"", "line\nbreak", "back\\slash, and \"q\"", "", "ünï, cödé 🦊",
        "tab\t, x",
    ]) func `values of any content come back`(_ value: String) {
        let settings: [A1111Parameters.Setting] = [
            .init("Steps", "1"), .init("Odd", value), .init("Seed", "2"), .init("End", "3"),
        ]
        let parameters = A1111Parameters(prompt: "p", settings: settings)
        #expect(A1111Parameters(parameters.text) == parameters)
    }

    @Test func `texts without settings are prompts`() {
        #expect(A1111Parameters("just a prompt: with colon") == A1111Parameters(prompt: "just a prompt: with colon"))
        #expect(A1111Parameters("") == A1111Parameters(prompt: ""))
        let two = A1111Parameters("a\nSteps: 1, Seed: 2")
        #expect(two.prompt == "a\nSteps: 1, Seed: 2" && two.settings.isEmpty)
        let bare = A1111Parameters("Steps: 1, Seed: 2, Size: 8x8")
        #expect(bare.prompt == "" && bare["Size"] == "8x8")
    }

    @Test func `malformed settings lose nothing else`() {
        let parameters = A1111Parameters("p\nSteps: 20, garbage, Model: \"open, Seed: 3, Size: 1x1")
        #expect(parameters["Steps"] == "20" && parameters["Seed"] == "3" && parameters["Model"] == "\"open")
    }
}

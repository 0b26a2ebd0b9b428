import API
import ArgumentParser
import Foundation
import Images

/// How a terminal is shown pictures.
enum PreviewStyle: String, ExpressibleByArgument, CaseIterable {
    case auto, kitty, sixel, blocks, none

    /// The style that is meant; nil for none.
    var shown: PreviewStyle? {
        switch self {
        case .auto: Self.detected(ProcessInfo.processInfo.environment)
        case .none: nil
        case .kitty, .sixel, .blocks: self
        }
    }

    /// What a terminal says of itself. Coloured half blocks are what nearly all of them can show.
    static func detected(_ environment: [String: String]) -> PreviewStyle? {
        let terminal = environment["TERM"] ?? ""
        let program = environment["TERM_PROGRAM"] ?? ""
        if terminal.isEmpty || terminal == "dumb" || terminal == "linux" { return nil }
        // What stands between may not pass pictures on.
        if environment["TMUX"] != nil || terminal.hasPrefix("screen") || terminal.hasPrefix("tmux") { return .blocks }
        if environment["KITTY_WINDOW_ID"] != nil || terminal.contains("kitty") { return .kitty }
        if ["WezTerm", "ghostty"].contains(program) { return .kitty }
        if terminal.contains("sixel") || terminal.hasPrefix("foot") || terminal.hasPrefix("mlterm") { return .sixel }
        return .blocks
    }
}

/// A place on the terminal, some lines high, where pictures replace each other.
final class TerminalPicture {
    private let style: PreviewStyle
    private let write: (String) -> Void
    /// Lines that the place takes once it is there.
    private var lines = 0

    private static let mostLines = 16
    private static let mostColumns = 48
    /// Pixels of a cell in a sixel picture; a larger cell leaves a margin.
    private static let cell = (width: 8, height: 16)

    init?(_ style: PreviewStyle?, write: @escaping (String) -> Void = Console.draw) {
        guard let style = style?.shown else { return nil }
        self.style = style
        self.write = write
    }

    /// Shows a picture where the last one was; one that cannot be read is left out.
    func show(_ preview: Preview) {
        guard let image = (try? Image.decode([UInt8](preview.png)))?.rgb() else { return }
        let size = Self.cells(of: image)
        // The lines are made first, so that drawing never scrolls what is drawn over.
        if lines == 0 {
            lines = size.lines
            write(String(repeating: "\n", count: lines))
        }
        write("\u{1B}[\(lines)A\r\u{1B}7")
        switch style {
        case .kitty: write(Self.kitty(preview.png, size))
        case .sixel:
            if let small = try? image.resized(
                width: size.columns * Self.cell.width, height: size.lines * Self.cell.height, .bilinear)
            {
                write(small.sixel)
            }
        case .blocks, .auto, .none:
            if let small = try? image.resized(width: size.columns, height: 2 * size.lines, .box) {
                write(small.halfBlocks)
            }
        }
        write("\u{1B}8\u{1B}[\(lines)B\r")
    }

    /// A cell is about twice as high as it is wide.
    static func cells(of image: Image) -> (columns: Int, lines: Int) {
        let scale = min(
            Double(2 * mostLines) / Double(image.height), Double(mostColumns) / Double(image.width))
        return (
            max(1, Int(Double(image.width) * scale)), max(1, Int((Double(image.height) * scale / 2).rounded(.up)))
        )
    }

    /// The file in pieces, as kitty's graphics protocol has them; one number, so that the next picture replaces it.
    private static func kitty(_ png: Data, _ size: (columns: Int, lines: Int)) -> String {
        let text = Array(png.base64EncodedString().utf8)
        var sent = ""
        for start in stride(from: 0, to: text.count, by: 4096) {
            let piece = String(decoding: text[start..<min(start + 4096, text.count)], as: UTF8.self)
            let more = start + 4096 < text.count ? 1 : 0
            let keys = start == 0 ? "a=T,f=100,i=7251,q=2,C=1,c=\(size.columns),r=\(size.lines),m=\(more)" : "m=\(more)"
            sent += "\u{1B}_G\(keys);\(piece)\u{1B}\\"
        }
        return sent
    }
}

extension Image {
    /// Two pixels a cell: the upper half block in one colour on the other.
    var halfBlocks: String {
        var text = ""
        for y in stride(from: 0, to: height - height % 2, by: 2) {
            for x in 0..<width {
                func colour(_ y: Int) -> String { (0..<3).map { "\(self[x, y, $0])" }.joined(separator: ";") }
                text += "\u{1B}[38;2;\(colour(y))m\u{1B}[48;2;\(colour(y + 1))m▀"
            }
            text += "\u{1B}[0m\r\n"
        }
        return text
    }

    /// The picture in the 216 colours of a cube, as DEC's sixels have it: bands of six lines, a pass for each colour.
    var sixel: String {
        func colour(_ x: Int, _ y: Int) -> Int {
            (0..<3).reduce(0) { $0 * 6 + (Int(self[x, y, $1]) * 5 + 127) / 255 }
        }
        var text = "\u{1B}Pq\"1;1;\(width);\(height)"
        for index in 0..<216 { text += "#\(index);2;\(index / 36 * 20);\(index / 6 % 6 * 20);\(index % 6 * 20)" }
        for top in stride(from: 0, to: height, by: 6) {
            var passes: [Int: [UInt8]] = [:]
            for y in top..<min(top + 6, height) {
                for x in 0..<width {
                    passes[colour(x, y), default: [UInt8](repeating: 0, count: width)][x] |= 1 << UInt8(y - top)
                }
            }
            for (index, bits) in passes.sorted(by: { $0.key < $1.key }) {
                text += "#\(index)" + String(decoding: bits.map { $0 + 63 }, as: UTF8.self) + "$"
            }
            text += "-"
        }
        return text + "\u{1B}\\"
    }
}

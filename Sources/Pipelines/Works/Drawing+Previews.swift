// What a drawing shows of itself on the way.

import API
import Foundation
import Images
import Kinds
import Schedulers
import Tensor
import Vocabulary

extension Drawing {
    /// The most pixels along a side of a preview.
    private static var previewSide: Int { 512 }

    /// Shows the end as this row's output implies it, on the rows that part the way into equal pieces.
    mutating func show(_ sheet: Sheet, _ row: Step, _ output: Tensor, _ desk: Desk) throws {
        guard let setting, let wanted = asked.previews, wanted > 0 else { return }
        let rows = setting.plan.rows
        let piece = { (row: Int) in row * (wanted + 1) / rows }
        guard sheet.row + 1 < rows, piece(sheet.row + 1) > piece(sheet.row) else { return }
        let estimate = row.denoised(latents: sheet.state.latents, output: output)
        guard estimate.firstNonFinite == nil, let image = try picture(of: estimate, setting.model.codec, desk) else {
            return
        }
        desk.show(
            Preview(
                picture: sheet.index, step: sheet.index * rows + sheet.row + 1, of: rows * asked.count,
                width: image.width, height: image.height, png: Data(try image.png())))
    }

    private mutating func picture(of latents: Tensor, _ codec: any LatentCodec, _ desk: Desk) throws -> Image? {
        let lender = desk.workshop.residents
        var image: Image
        if codec.isQuick {
            let pixels = try codec.decode(latents, band: nil, lender)
            guard pixels.firstNonFinite == nil else { return nil }
            image = Image(width: pixels.shape[2], height: pixels.shape[1], channels: 3, pixels.floats, .signed)
        } else {
            let fitted = try preview ?? LatentPreview(fitting: codec, lender)
            preview = fitted
            image = fitted(latents)
        }
        let longest = max(image.width, image.height)
        if longest > Self.previewSide {
            image = try image.resized(
                width: max(1, image.width * Self.previewSide / longest),
                height: max(1, image.height * Self.previewSide / longest), .box)
        }
        return image
    }
}

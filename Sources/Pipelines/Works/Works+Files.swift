// What works need of files and digests, apart from the files that speak JSON of the wire.

import Checkpoints
import Digests
import Schedulers
import Tensor
import Vocabulary

/// SHA-256 in hexadecimal.
func digest(_ bytes: [UInt8]) -> String { SHA256.hexadecimal(of: bytes) }

func tensorFile(_ tensors: [String: Tensor]) -> [UInt8] { SafetensorsWriter.file(tensors) }

func readTensorFile(_ bytes: [UInt8]) -> [String: Tensor]? {
    try? SafetensorsWriter.tensors(bytes, name: "checkpoint")
}

extension TextToImage {
    /// The files of the weights that the fingerprint is of: the denoiser's, and an autoencoder's that is not its own.
    func weightFiles() throws -> [(path: String, identity: FileIdentity)] {
        let paths = try files.store(.denoiser).files + (autoencoder?.weights ?? [])
        return paths.compactMap { path in ledger.note(path).map { (path, $0) } }
    }
}

extension Vocabulary.Precision {
    /// What a request asks for, or the fastest that this CPU computes natively.
    init(wanted: Vocabulary.Precision?) throws(PipelineError) {
        switch wanted {
        case .f32?: self = .f32
        case .bf16?: self = .bf16
        case .int8?:
            throw .request(
                parameter: "precision", fact: "int8 is not available in this version", remedy: "use bf16 or f32")
        case nil: self.init(usual: ())
        }
    }

    /// The fastest that this CPU computes natively.
    package init(usual: Void) { self = Kernels.hasBF16 ? .bf16 : .f32 }
}

/// The content of a file; nil where it cannot be read.
func readFile(_ path: String) -> [UInt8]? { try? MappedFile.contents(path) }

// Single files of few-step models. Nothing in their tensors tells them from the model that they were distilled from, and
// at one step its leading timesteps would begin, and end, at t = 1.
//
// Reference   scheduler_config.json of stabilityai/sdxl-turbo and sd-turbo; model cards of SDXL-Lightning and Hyper-SD

import Checkpoints
import Schedulers

extension ModelFiles {
    /// `configuration` with trailing spacing where a single file calls itself distilled, in its name or its title; a file
    /// states no spacing of its own.
    func spaced(_ configuration: SchedulerConfiguration) -> SchedulerConfiguration {
        guard isSingleFile, configuration.values["timestep_spacing"] != nil else { return configuration }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let title = (try? Safetensors(MappedFile(path: path)))?.metadata["modelspec.title"] ?? ""
        guard Self.saysDistilled(name) || Self.saysDistilled(title) else { return configuration }
        var spaced = configuration
        spaced.values["timestep_spacing"] = .text("trailing")
        return spaced
    }

    /// Whether a name has the word of a family whose publishers ask for trailing spacing.
    static func saysDistilled(_ name: String) -> Bool {
        let letters = name.lowercased().filter { $0.isLetter || $0.isNumber }
        return ["turbo", "lightning", "hypersd"].contains { letters.contains($0) }
    }
}

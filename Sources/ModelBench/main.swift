import Checkpoints
import Models
import Tensor
import Foundation

func cpu() -> Double { var t = timespec(); clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9 }
func wall() -> Double { var t = timespec(); clock_gettime(CLOCK_MONOTONIC, &t); return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9 }
Kernels.threads = Int(CommandLine.arguments.dropFirst().first ?? "1") ?? 1
let side = Int(CommandLine.arguments.dropFirst(2).first ?? "64") ?? 64
print(Kernels.name, Kernels.threads)
var t = wall(), c = cpu()
let weights = Weights(try CheckpointStore(path: "/tmp/sd15/unet"), .bf16)
let unet = try UNet2DConditionModel(weights, .init(ConfigObject(path: "/tmp/sd15/unet/config.json")))
print("load", wall() - t, cpu() - c)
let context = Tensor((0..<77*768).map { Float(($0 * 7919) % 1000) / 500 - 1 }, [1, 77, 768])
let latents = Tensor((0..<side*side*4).map { Float(($0 * 6007) % 1000) / 500 - 1 }, [1, side, side, 4])
let condition = unet.condition(context)
for _ in 0..<5 {
    Arena.resetPeak()
    t = wall(); c = cpu()
    let y = unet(latents, timestep: 500, condition)
    print("step wall", wall() - t, "cpu", cpu() - c, "peak MB", Arena.peak >> 20, y.firstNonFinite as Any)
}

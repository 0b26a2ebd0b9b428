import Checkpoints
import Testing

/// Files that lie among models and are none.
@Suite struct OtherKindTests {
    private static let unet = "model.diffusion_model.input_blocks.0.0.weight"
    private static let text = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"

    static let files: [(OtherKind?, [(name: String, shape: [Int])])] = [
        (nil, [(unet, [8, 4, 3, 3]), (text, [4, 8])]),
        (nil, [("something", [1])]),
        (.unet, [(unet, [8, 4, 3, 3])]),
        (.unet, [("down_blocks.0.resnets.0.conv1.weight", [8])]),
        (
            .refiner,
            [
                (unet, [8, 4, 3, 3]), ("model.diffusion_model.label_emb.0.0.weight", [8, 8]),
                ("conditioner.embedders.0.model.ln_final.weight", [8]),
            ]
        ),
        (
            nil,
            [
                (unet, [8, 4, 3, 3]), ("model.diffusion_model.label_emb.0.0.weight", [8, 8]),
                ("conditioner.embedders.0.transformer.x", [8]), ("conditioner.embedders.1.model.ln_final.weight", [8]),
            ]
        ),
        (.playground, [(unet, [8, 4, 3, 3]), (text, [4, 8]), ("edm_mean", [4]), ("edm_std", [4])]),
        (.vae, [("decoder.mid.block_1.norm1.weight", [8])]),
        (.vae, [("decoder.mid_block.resnets.0.norm1.weight", [8])]),
        (.vae, [("first_stage_model.decoder.conv_in.weight", [8])]),
        (.lora, [("lora_unet_down_blocks_0.lora_down.weight", [4, 8]), ("lora_unet_down_blocks_0.alpha", [1])]),
        (.lora, [("unet.down_blocks.0.attn1.to_q.lora_A.weight", [4, 8])]),
        (.lora, [("lora_unet_x.hada_w1_a", [4, 8])]),
        (.embedding, [("emb_params", [1, 8])]),
        (.embedding, [("clip_l", [1, 8]), ("clip_g", [1, 8])]),
        (.controlNet, [("control_model.input_blocks.0.0.weight", [8, 4, 3, 3])]),
        (.controlNet, [("controlnet_cond_embedding.conv_in.weight", [8]), ("down_blocks.0.resnets.0.x", [8])]),
        (.upscaler, [("model.0.weight", [8]), ("model.1.sub.0.RDB1.conv1.0.weight", [8])]),
        (.upscaler, [("conv_first.weight", [8]), ("body.0.rdb1.conv1.weight", [8])]),
        (.flux, [("double_blocks.0.img_attn.qkv.weight", [8]), ("single_blocks.0.linear1.weight", [8])]),
        (
            .flux,
            [
                ("model.diffusion_model.double_blocks.0.img_attn.qkv.weight", [8]),
                ("model.diffusion_model.single_blocks.0.linear1.weight", [8]),
            ]
        ),
        (.sd3, [("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", [8])]),
        (.textEncoder, [("text_model.embeddings.token_embedding.weight", [8])]),
    ]

    @Test(arguments: files) func `a file is named for what it is`(
        kind: OtherKind?, tensors: [(name: String, shape: [Int])]
    ) throws {
        try withFolder { folder in
            try write(safetensors(tensors), "\(folder)/m.safetensors")
            let found = try CheckpointStore(path: "\(folder)/m.safetensors").otherKind
            #expect(found == kind)
        }
    }

    @Test func `every kind has a case above, and its message a remedy`() {
        #expect(Set(Self.files.compactMap(\.0)) == Set(OtherKind.allCases))
        for kind in OtherKind.allCases {
            let text = CheckpointError.otherKind(file: "/m", kind).description
            #expect(text.contains(kind.rawValue) && text.split(separator: ";").count == 2)
        }
    }
}

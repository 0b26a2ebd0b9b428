// Depthwise convolution, vectorised over channels. Define LANES before inclusion.
#include "../matrix_kernels.h"
#include "../vectors.h"

enum { most_taps = 25 };  // weights of this many taps are held at a time

/// Adds taps [tap, tap + taps) of LANES channels (or the last `channels` of them) to the sums of every row.
INLINE void depthwise_taps(const patch_source *source, size_t row, size_t rows, size_t tap, size_t taps, size_t channel,
                           size_t channels, const vf *weights, float *sums) {
    const lz_convolution *shape = &source->shape;
    const size_t up = shape->upsample, kw = shape->kernel_width, width = shape->in_channels;
    size_t ox = row % source->out_width, oy = row / source->out_width % source->out_height;
    size_t sample = row / source->out_width / source->out_height;
    for (size_t i = 0; i < rows; i++) {
        float *place = sums + i * width + channel;
        vf sum = tap == 0 ? (vf)0.0f : (channels == LANES ? load_f32(place) : load_part_f32(place, channels));
        for (size_t t = 0, ky = tap / kw, kx = tap % kw; t < taps; t++) {
            // Positions before the image wrap to huge ones.
            const size_t y = oy * shape->stride + ky - shape->pad_top, x = ox * shape->stride + kx - shape->pad_left;
            if (y < shape->height * up && x < shape->width * up) {
                const size_t line = sample * shape->height + (up == 1 ? y : y / up);
                const size_t from = (line * shape->width + (up == 1 ? x : x / up)) * source->pixel_stride + channel;
                const vf value = channels == LANES ? load_vector(source->x, source->type, from)
                                                   : load_part(source->x, source->type, from, channels);
                sum = __builtin_elementwise_fma(value, weights[t], sum);
            }
            if (++kx == kw) {
                kx = 0;
                ky++;
            }
        }
        if (channels == LANES) {
            store_f32(place, sum);
        } else {
            store_part_f32(place, sum, channels);
        }
        if (++ox == source->out_width) {
            ox = 0;
            if (++oy == source->out_height) {
                oy = 0;
                sample++;
            }
        }
    }
}

static void depthwise(const patch_source *source, size_t row, size_t rows, const float *weights, float *sums) {
    const lz_convolution *shape = &source->shape;
    const size_t taps = shape->kernel_height * shape->kernel_width;
    for (size_t channel = 0; channel < shape->in_channels; channel += LANES) {
        const size_t channels = smaller(LANES, shape->in_channels - channel);
        for (size_t tap = 0; tap < taps; tap += most_taps) {
            const size_t count = smaller(most_taps, taps - tap);
            vf held[most_taps];
            for (size_t t = 0; t < count; t++) {
                float lanes[LANES] = {0};
                for (size_t i = 0; i < channels; i++) lanes[i] = weights[(channel + i) * taps + tap + t];
                held[t] = load_f32(lanes);
            }
            depthwise_taps(source, row, rows, tap, count, channel, channels, held, sums);
        }
    }
}

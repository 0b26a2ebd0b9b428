// Resampling as Pillow does it (libImaging/Resample.c; nearest: Geometry.c): each output pixel is a weighted sum over
// the filter's support, which grows with the shrink factor, along the columns and along the rows. 8-bit images use
// weights with 22 fractional bits and round after each pass.
#include <math.h>
#include <stdlib.h>

#include "include/threads.h"
#include "numbers.h"
#include "table.h"

static double sinc(double x) { return x == 0 ? 1 : sin(x * M_PI) / (x * M_PI); }

static double filter_value(lz_filter filter, double x) {
    if (filter == LZ_BOX) return x > -0.5 && x <= 0.5 ? 1 : 0;
    if (filter == LZ_LANCZOS) return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    x = fabs(x);
    if (filter == LZ_BILINEAR) return x < 1 ? 1 - x : 0;
    const double a = -0.5;  // Keys' cubic
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double filter_support(lz_filter filter) {
    return filter == LZ_BOX ? 0.5 : filter == LZ_BILINEAR ? 1 : filter == LZ_BICUBIC ? 2 : 3;
}

/// Weights along one axis: output i is Σ_j weights[i·taps + j]·x[first[i] + j], j < count[i].
typedef struct {
    size_t taps;
    size_t *first, *count;
    double *weights;
    int32_t *fixed;  ///< weights with 22 fractional bits
    void *room;
} axis_weights;

static bool make_weights(axis_weights *axis, lz_filter filter, size_t in, size_t out) {
    double scale = (double)in / (double)out, widening = scale < 1 ? 1 : scale;
    double support = filter_support(filter) * widening;
    if (out > SIZE_MAX / 64 / ((size_t)ceil(support) * 2 + 1)) return false;
    axis->taps = (size_t)ceil(support) * 2 + 1;
    size_t bytes = out * (2 * sizeof(size_t) + axis->taps * (sizeof(double) + sizeof(int32_t)));
    axis->room = malloc(bytes);
    if (!axis->room) return false;
    axis->weights = axis->room;
    axis->first = (size_t *)(axis->weights + out * axis->taps);
    axis->count = axis->first + out;
    axis->fixed = (int32_t *)(axis->count + out);
    for (size_t i = 0; i < out; i++) {
        double center = ((double)i + 0.5) * scale, inverse = 1 / widening, sum = 0;
        double low = center - support + 0.5, high = center + support + 0.5;
        size_t first = low < 0 ? 0 : (size_t)low, last = high > (double)in ? in : (size_t)high;
        double *weights = axis->weights + i * axis->taps;
        size_t count = last - first;
        for (size_t j = 0; j < count; j++) {
            weights[j] = filter_value(filter, ((double)(j + first) - center + 0.5) * inverse);
            sum += weights[j];
        }
        for (size_t j = 0; j < axis->taps; j++) {
            if (j >= count)
                weights[j] = 0;
            else if (sum != 0)
                weights[j] /= sum;
            axis->fixed[i * axis->taps + j] = (int32_t)((weights[j] < 0 ? -0.5 : 0.5) + weights[j] * (1 << 22));
        }
        axis->first[i] = first;
        axis->count[i] = count;
    }
    return true;
}

typedef struct {
    const vector_kernels *table;
    const axis_weights *axis;
    size_t channels, width, out_width;  ///< in pixels; the vertical pass uses `width` only
    const uint8_t *x8;
    uint8_t *y8;
    const float *x32;
    float *y32;
} resize_pass;

static void columns_u8(const resize_pass *pass, const uint8_t *x, uint8_t *y) {
    size_t channels = pass->channels;
    for (size_t i = 0; i < pass->out_width; i++) {
        const int32_t *weights = pass->axis->fixed + i * pass->axis->taps;
        const uint8_t *from = x + pass->axis->first[i] * channels;
        size_t count = pass->axis->count[i];
        for (size_t c = 0; c < channels; c++) {
            int32_t sum = 1 << 21;
            for (size_t j = 0; j < count; j++) sum += weights[j] * from[j * channels + c];
            sum >>= 22;
            y[i * channels + c] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
        }
    }
}

static void columns_f32(const resize_pass *pass, const float *x, float *y) {
    size_t channels = pass->channels;
    for (size_t i = 0; i < pass->out_width; i++) {
        const double *weights = pass->axis->weights + i * pass->axis->taps;
        const float *from = x + pass->axis->first[i] * channels;
        for (size_t c = 0; c < channels; c++) {
            double sum = 0;
            for (size_t j = 0; j < pass->axis->count[i]; j++) sum += (double)from[j * channels + c] * weights[j];
            y[i * channels + c] = (float)sum;
        }
    }
}

static void horizontal_rows(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const resize_pass *pass = context;
    size_t in = pass->width * pass->channels, out = pass->out_width * pass->channels;
    for (size_t row = begin; row < end; row++) {
        if (pass->x8)
            columns_u8(pass, pass->x8 + row * in, pass->y8 + row * out);
        else
            columns_f32(pass, pass->x32 + row * in, pass->y32 + row * out);
    }
}

static void vertical_rows(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const resize_pass *pass = context;
    const axis_weights *axis = pass->axis;
    size_t row_size = pass->width * pass->channels;
    for (size_t row = begin; row < end; row++) {
        size_t from = axis->first[row] * row_size, weights = row * axis->taps, count = axis->count[row];
        if (pass->x8)
            pass->table->resample_rows_u8(row_size, count, axis->fixed + weights, pass->x8 + from, row_size,
                                          pass->y8 + row * row_size);
        else
            pass->table->resample_rows_f32(row_size, count, axis->weights + weights, pass->x32 + from, row_size,
                                           pass->y32 + row * row_size);
    }
}

/// Nearest: Pillow walks the source coordinate by repeated addition, and so its rounding is reproduced the same way.
static bool resize_nearest(size_t pixel_bytes, size_t h, size_t w, const uint8_t *x, size_t oh, size_t ow, uint8_t *y) {
    size_t *columns = malloc(ow * sizeof *columns);
    if (!columns) return false;
    double step_x = (double)w / (double)ow, step_y = (double)h / (double)oh, position = step_x * 0.5;
    for (size_t i = 0; i < ow; i++, position += step_x) columns[i] = smaller((size_t)position, w - 1) * pixel_bytes;
    position = step_y * 0.5;
    for (size_t row = 0; row < oh; row++, position += step_y) {
        const uint8_t *from = x + smaller((size_t)position, h - 1) * w * pixel_bytes;
        for (size_t i = 0; i < ow; i++, y += pixel_bytes) memcpy(y, from + columns[i], pixel_bytes);
    }
    free(columns);
    return true;
}

/// One pass over elements of `size` bytes, 1 or 4: [h][w] to [h][out] across, to [out][w] down.
static void run_pass(size_t size, size_t channels, const axis_weights *axis, bool across, size_t h, size_t w,
                     const void *x, size_t out, void *y) {
    resize_pass pass = {.table = &lz_table()->vector, .axis = axis, .channels = channels, .width = w, .out_width = out};
    if (size == 1)
        pass.x8 = x, pass.y8 = y;
    else
        pass.x32 = x, pass.y32 = y;
    lz_parallel(across ? h : out, 8, across ? horizontal_rows : vertical_rows, &pass);
}

/// A pass whose sizes agree is left out. Pillow 13 starts with the rows when they shrink by more than twice what the
/// columns do, in pixels; the order shows in the last bit.
static bool resize(size_t size, size_t channels, size_t h, size_t w, const void *x, size_t oh, size_t ow, void *y,
                   lz_filter filter) {
    if (oh == 0 || ow == 0 || channels == 0) return true;
    if (h == 0 || w == 0) return false;
    if (h == oh && w == ow) {
        memcpy(y, x, h * w * channels * size);
        return true;
    }
    if (filter == LZ_NEAREST) return resize_nearest(size * channels, h, w, x, oh, ow, y);
    bool rows_first = oh < h && (w <= ow || h - oh > 2 * (w - ow));
    axis_weights across = {0}, down = {0};
    void *between = NULL;
    bool both = w != ow && h != oh;
    bool ready = (w == ow || make_weights(&across, filter, w, ow)) && (h == oh || make_weights(&down, filter, h, oh)) &&
                 (!both || (between = malloc((rows_first ? oh * w : h * ow) * channels * size)) != NULL);
    if (ready && !both) {
        run_pass(size, channels, w != ow ? &across : &down, w != ow, h, w, x, w != ow ? ow : oh, y);
    } else if (ready && rows_first) {
        run_pass(size, channels, &down, false, h, w, x, oh, between);
        run_pass(size, channels, &across, true, oh, w, between, ow, y);
    } else if (ready) {
        run_pass(size, channels, &across, true, h, w, x, ow, between);
        run_pass(size, channels, &down, false, h, ow, between, oh, y);
    }
    free(between);
    free(across.room);
    free(down.room);
    return ready;
}

bool lz_resize_u8(size_t channels, size_t h, size_t w, const uint8_t *x, size_t oh, size_t ow, uint8_t *y,
                  lz_filter filter) {
    return resize(1, channels, h, w, x, oh, ow, y, filter);
}

bool lz_resize_f32(size_t channels, size_t h, size_t w, const float *x, size_t oh, size_t ow, float *y,
                   lz_filter filter) {
    return resize(4, channels, h, w, x, oh, ow, y, filter);
}

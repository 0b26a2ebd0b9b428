#include "product_checks.h"

#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"

/// The buffers of a case. Rows of X and Y are pixels.
typedef struct {
    lz_convolution shape;
    size_t rows, terms, taps;    // M, K
    size_t x_stride, y_stride, residual_stride;
    size_t x_count, y_count;     // elements
    float *weights;              // checkpoint order
    void *x, *y;
    float *bias, *sample_bias;
    void *residual;              // a copy of what the residual held, as the output may overwrite it
    lz_dtype residual_type;
    size_t rows_per_sample;
} fixture;

static const uint16_t guard = 0x7fa5;  // a NaN in bf16; two of them are one in f32

product_case matrix_case(size_t m, size_t n, size_t k, lz_dtype weights, lz_dtype x, lz_dtype y) {
    return (product_case){
        .is_matrix = true,
        .shape = {.batch = 1, .height = 1, .width = m, .in_channels = k, .out_channels = n,
                  .kernel_height = 1, .kernel_width = 1, .stride = 1, .upsample = 1},
        .weights = weights, .x = x, .y = y, .scale = 1,
    };
}

product_case random_case(uint64_t seed) {
    uint64_t state = seed * 0x2545f4914f6cdd1du + 1;
    const size_t kernels[] = {1, 2, 3, 3, 3, 5};
    const lz_dtype types[] = {LZ_F32, LZ_BF16};
    const float scales[] = {0, 1, 0.5f, -2};
    const size_t kernel = kernels[below(&state, 6)];
    product_case test = {
        .is_depthwise = below(&state, 5) == 0,
        .shape = {
            .batch = 1 + below(&state, 2), .height = 1 + below(&state, 7), .width = 1 + below(&state, 13),
            .in_channels = 1 + below(&state, 70), .out_channels = 1 + below(&state, 70),
            .kernel_height = kernel, .kernel_width = below(&state, 4) ? kernel : 1 + below(&state, 3),
            .stride = 1 + below(&state, 4) / 2,
            .pad_top = below(&state, 3), .pad_left = below(&state, 3),
            .pad_bottom = below(&state, 3), .pad_right = below(&state, 3),
            .upsample = 1 + below(&state, 3) / 2,
        },
        .weights = types[below(&state, 2)], .x = types[below(&state, 2)], .y = types[below(&state, 2)],
        .x_padding = below(&state, 2) * below(&state, 9), .y_padding = below(&state, 2) * below(&state, 40),
        .bias = below(&state, 2), .sample_bias = below(&state, 2),
        .activation = below(&state, 2) ? (lz_activation)below(&state, 8) : LZ_IDENTITY,
        .scale = scales[below(&state, 4)],
        .residual = (residual_kind)below(&state, 4),
    };
    if (test.is_depthwise) {
        test.shape.out_channels = test.shape.in_channels;
        test.weights = LZ_F32;
        test.x_padding = test.y_padding = 0;
    }
    return test;
}

static void *buffer(size_t count, lz_dtype type) {
    const size_t halves = (count + 1) * bytes_of(type) / 2;
    uint16_t *memory = malloc(halves * 2);
    for (size_t i = 0; memory != NULL && i < halves; i++) memory[i] = guard;
    return memory;
}

static float *numbers(size_t count, uint64_t *state) {
    float *values = malloc((count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = next_number(state);
    return values;
}

static void fill_rows(void *x, lz_dtype type, size_t rows, size_t width, size_t stride, uint64_t *state) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < width; i++) put(x, type, row * stride + i, next_number(state));
    }
}

static fixture make_fixture(const product_case *test) {
    uint64_t state = 7;
    const lz_convolution shape = test->shape;
    fixture made = {.shape = shape, .taps = shape.kernel_height * shape.kernel_width};
    const size_t pixels = shape.batch * lz_convolution_out_height(&shape) * lz_convolution_out_width(&shape);
    const size_t n = shape.out_channels, depth = test->is_depthwise ? 1 : shape.in_channels;
    made.rows = pixels;
    made.terms = made.taps * depth;
    made.x_stride = shape.in_channels + test->x_padding;
    made.y_stride = n + test->y_padding;
    made.x_count = shape.batch * shape.height * shape.width * made.x_stride;
    made.y_count = made.rows * made.y_stride;
    made.weights = numbers(n * made.terms, &state);
    made.x = buffer(made.x_count, test->x);
    made.y = buffer(made.y_count, test->y);
    fill_rows(made.x, test->x, shape.batch * shape.height * shape.width, shape.in_channels, made.x_stride, &state);
    made.bias = numbers(n, &state);
    // Samples of a shape that does not divide the rows would share a bias across pictures; one row each is the hardest.
    made.rows_per_sample = made.rows > 0 && shape.batch > 1 ? made.rows / shape.batch : 1;
    made.sample_bias = numbers((made.rows / made.rows_per_sample + 1) * n, &state);
    const bool in_place = test->residual == RESIDUAL_IN_PLACE;
    made.residual_type = in_place ? test->y : test->residual == RESIDUAL_BF16 ? LZ_BF16 : LZ_F32;
    made.residual_stride = in_place ? made.y_stride : n + 3;
    made.residual = buffer(made.rows * made.residual_stride, made.residual_type);
    fill_rows(made.residual, made.residual_type, made.rows, n, made.residual_stride, &state);
    return made;
}

static void free_fixture(fixture *made) {
    free(made->weights);
    free(made->x);
    free(made->y);
    free(made->bias);
    free(made->sample_bias);
    free(made->residual);
}

static void run(const product_case *test, const fixture *made) {
    const lz_convolution *shape = &made->shape;
    const size_t n = shape->out_channels;
    const void *residual = made->residual;
    if (test->residual == RESIDUAL_IN_PLACE) {
        memcpy(made->y, made->residual, made->y_count * bytes_of(test->y));
        residual = made->y;
    }
    const lz_epilogue epilogue = {
        .bias = test->bias ? made->bias : NULL,
        .sample_bias = test->sample_bias ? made->sample_bias : NULL,
        .rows_per_sample = made->rows_per_sample,
        .activation = test->activation,
        .scale = test->scale,
        .residual = test->residual == RESIDUAL_NONE ? NULL : residual,
        .residual_stride = made->residual_stride,
        .residual_type = made->residual_type,
    };
    if (test->is_depthwise) {
        lz_convolve_depthwise(shape, made->x, test->x, made->weights, made->y, test->y, &epilogue);
        return;
    }
    lz_packed *packed = test->is_matrix
        ? lz_pack_matrix(made->weights, LZ_F32, n, shape->in_channels, shape->in_channels, test->weights)
        : lz_pack_convolution(made->weights, LZ_F32, n, shape->in_channels, shape->kernel_height, shape->kernel_width,
                              test->weights);
    if (test->is_matrix) {
        lz_matmul(made->rows, made->x, test->x, made->x_stride, packed, made->y, test->y, made->y_stride, &epilogue);
    } else {
        lz_convolve(shape, made->x, test->x, made->x_stride, packed, made->y, test->y, made->y_stride, &epilogue);
    }
    lz_packed_free(packed);
}

/// The sum of output (row, n), and in `size` the sum of the magnitudes of its terms.
static double exact_sum(const product_case *test, const fixture *made, size_t row, size_t n, double *size) {
    const lz_convolution *shape = &made->shape;
    const size_t width = lz_convolution_out_width(shape), height = lz_convolution_out_height(shape);
    const long ox = (long)(row % width), oy = (long)(row / width % height), sample = (long)(row / width / height);
    const long up = (long)shape->upsample;
    const size_t channels = test->is_depthwise ? 1 : shape->in_channels;
    double sum = 0;
    *size = 0;
    for (size_t tap = 0; tap < made->taps; tap++) {
        const long y = oy * (long)shape->stride + (long)(tap / shape->kernel_width) - (long)shape->pad_top;
        const long x = ox * (long)shape->stride + (long)(tap % shape->kernel_width) - (long)shape->pad_left;
        if (y < 0 || x < 0 || y >= (long)shape->height * up || x >= (long)shape->width * up) continue;
        const size_t pixel = (size_t)((sample * (long)shape->height + y / up) * (long)shape->width + x / up);
        for (size_t c = 0; c < channels; c++) {
            float left = get(made->x, test->x, pixel * made->x_stride + (test->is_depthwise ? n : c));
            float right = made->weights[(n * channels + c) * made->taps + tap];
            if (test->weights == LZ_BF16) {
                left = rounded_to_bf16(left);
                right = rounded_to_bf16(right);
            }
            sum += (double)left * right;
            *size += fabs((double)left * right);
        }
    }
    return sum;
}

static double activated(double x, lz_activation activation) {
    switch (activation) {
    case LZ_IDENTITY: return x;
    case LZ_SILU: return x / (1 + exp(-x));
    case LZ_GELU: return 0.5 * x * erfc(-x / sqrt(2));
    case LZ_GELU_TANH: return 0.5 * x * (1 + tanh(sqrt(2 / 3.141592653589793) * (x + 0.044715 * x * x * x)));
    case LZ_QUICK_GELU: return x / (1 + exp(-1.702 * x));
    case LZ_RELU: return fmax(x, 0);
    case LZ_TANH: return tanh(x);
    case LZ_SIGMOID: return 1 / (1 + exp(-x));
    }
    return x;
}

static bool check_output(const product_case *test, const fixture *made, size_t row, size_t n, char *message,
                         size_t size) {
    double magnitude;
    double sum = exact_sum(test, made, row, n, &magnitude);
    if (test->bias) sum += made->bias[n];
    if (test->sample_bias) sum += made->sample_bias[row / made->rows_per_sample * made->shape.out_channels + n];
    const double scale = test->scale == 0 ? 1 : test->scale;
    double wanted = activated(sum, test->activation) * scale;
    if (test->residual != RESIDUAL_NONE) {
        wanted += get(made->residual, made->residual_type, row * made->residual_stride + n);
    }
    const double found = get(made->y, test->y, row * made->y_stride + n);
    // Rounding of a running f32 sum grows with √K; 2e-6 is what an activation may add.
    double allowed = (magnitude + fabs(sum) + 2) * (4 + sqrt((double)made->terms)) * 0x1p-24 * 1.2;
    if (test->activation != LZ_IDENTITY) allowed += 2e-6;
    allowed = allowed * fabs(scale) + fabs(wanted) * (test->y == LZ_BF16 ? 0x1.02p-8 : 0x1p-23);
    if (fabs(found - wanted) <= allowed) return true;
    snprintf(message, size, "output [%zu][%zu] is %.9g, should be %.9g ± %.2g", row, n, found, wanted, allowed);
    return false;
}

bool check_product(const product_case *test, char *message, size_t size) {
    fixture made = make_fixture(test);
    run(test, &made);
    bool right = true;
    const size_t columns = made.shape.out_channels;
    for (size_t row = 0; row < made.rows && right; row++) {
        for (size_t n = 0; n < columns && right; n++) right = check_output(test, &made, row, n, message, size);
        const char *padding = (const char *)made.y + (row * made.y_stride + columns) * bytes_of(test->y);
        for (size_t i = 0; i < test->y_padding * bytes_of(test->y) && right; i += 2) {
            right = memcmp(padding + i, &guard, 2) == 0;
            if (!right) snprintf(message, size, "row %zu was written beyond its end", row);
        }
    }
    free_fixture(&made);
    return right;
}

bool check_threads(const product_case *test, char *message, size_t size) {
    const size_t before = lz_thread_count();
    fixture made[3];
    bool equal = true;
    for (size_t i = 0; i < 3; i++) {
        lz_set_thread_count(i + 1);
        made[i] = make_fixture(test);
        run(test, &made[i]);
        if (equal && memcmp(made[i].y, made[0].y, made[0].y_count * bytes_of(test->y)) != 0) {
            equal = false;
            snprintf(message, size, "%zu threads give other bytes than one", i + 1);
        }
    }
    for (size_t i = 0; i < 3; i++) free_fixture(&made[i]);
    lz_set_thread_count(before);
    return equal;
}

// Group norm over channels-last images, split over samples and runs of pixels. Every piece (a run of pixels of one
// sample, fixed by the shape) leaves the moments of each group; they are joined in order, so the result does not depend
// on which thread did what, and a large mean does not cancel.
#include <math.h>

#include "include/threads.h"
#include "numbers.h"
#include "table.h"

enum {
    MOMENT_PIXELS = 64,
    MOMENT_CHANNELS = 128,  // 32 KiB of f32: the second pass reads the first-level cache
    APPLY_CHANNELS = 512,
    PIECE_ELEMENTS = 32768,
    MOST_PIECES = 64,
    MOST_MOMENTS = 2048,
};

typedef struct {
    const vector_kernels *table;
    size_t pixels, channels, per_group, pieces;
    size_t first_sample, first_channel, last_channel, groups;  ///< the window in work; `groups` in it
    const void *x;
    void *y;
    lz_dtype x_type, y_type;
    const float *weight, *bias;
    lz_activation activation;
    lz_moments *moments;  ///< [samples][pieces][groups]; after joining, piece 0 holds mean and 1/σ (as deviation)
} group_norm;

/// Chan, Golub and LeVeque 1979.
void lz_join_moments(lz_moments *into, lz_moments other) {
    double delta = other.mean - into->mean, total = into->count + other.count;
    if (total == 0) return;
    into->deviation += other.deviation + delta * delta * (into->count * other.count / total);
    into->mean += delta * (other.count / total);
    into->count = total;
}

/// Adds the moments of a tile of at most MOMENT_PIXELS × MOMENT_CHANNELS, first channel `c0`, to its groups.
static void measure_tile(const group_norm *g, const void *x, size_t pixels, size_t c0, size_t channels,
                         lz_moments *groups) {
    float mean[MOMENT_CHANNELS], deviation[MOMENT_CHANNELS];
    g->table->channel_moments(pixels, channels, x, g->x_type, g->channels, mean, deviation);
    for (size_t c = 0, run; c < channels; c += run) {
        run = smaller(g->per_group - (c0 + c) % g->per_group, channels - c);
        lz_moments part = {(double)(pixels * run), 0, 0};
        for (size_t i = c; i < c + run; i++) part.mean += mean[i];
        part.mean /= (double)run;
        for (size_t i = c; i < c + run; i++) {
            double delta = mean[i] - part.mean;
            part.deviation += deviation[i] + (double)pixels * delta * delta;
        }
        lz_join_moments(&groups[(c0 + c - g->first_channel) / g->per_group], part);
    }
}

static void measure_pieces(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const group_norm *g = context;
    for (size_t item = begin; item < end; item++) {
        size_t sample = g->first_sample + item / g->pieces, piece = item % g->pieces;
        size_t first = g->pixels * piece / g->pieces, last = g->pixels * (piece + 1) / g->pieces;
        lz_moments *groups = g->moments + item * g->groups;
        for (size_t i = 0; i < g->groups; i++) groups[i] = (lz_moments){0, 0, 0};
        for (size_t p = first; p < last; p += MOMENT_PIXELS) {
            for (size_t c = g->first_channel; c < g->last_channel; c += MOMENT_CHANNELS) {
                const void *x = element_at(g->x, g->x_type, (sample * g->pixels + p) * g->channels + c);
                measure_tile(g, x, smaller(last - p, MOMENT_PIXELS), c, smaller(g->last_channel - c, MOMENT_CHANNELS),
                             groups);
            }
        }
    }
}

static void apply_pieces(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const group_norm *g = context;
    for (size_t item = begin; item < end; item++) {
        size_t sample = item / g->pieces, piece = item % g->pieces;
        size_t first = g->pixels * piece / g->pieces, last = g->pixels * (piece + 1) / g->pieces;
        const lz_moments *groups = g->moments + sample * g->pieces * g->groups;
        for (size_t c0 = g->first_channel; c0 < g->last_channel; c0 += APPLY_CHANNELS) {
            size_t channels = smaller(g->last_channel - c0, APPLY_CHANNELS);
            float mean[APPLY_CHANNELS], factor[APPLY_CHANNELS], bias[APPLY_CHANNELS];
            for (size_t c = 0; c < channels; c++) {
                const lz_moments *group = &groups[(c0 + c - g->first_channel) / g->per_group];
                mean[c] = (float)group->mean;
                factor[c] = (float)group->deviation * (g->weight ? g->weight[c0 + c] : 1);
                // What f32 cannot hold of the mean goes into the bias.
                bias[c] = (g->bias ? g->bias[c0 + c] : 0) - (float)(group->mean - mean[c]) * factor[c];
            }
            size_t offset = ((g->first_sample + sample) * g->pixels + first) * g->channels + c0;
            g->table->normalise(last - first, channels, element_at(g->x, g->x_type, offset), g->x_type, g->channels,
                                mean, factor, bias, g->activation, element_at_mutable(g->y, g->y_type, offset),
                                g->y_type);
        }
    }
}

/// Pieces of a sample, fixed by the shape.
static size_t pieces_of(size_t pixels, size_t channels, size_t window) {
    size_t pieces = smaller(pixels * channels / PIECE_ELEMENTS + 1, MOST_PIECES);
    return smaller(pieces, smaller(pixels, MOST_MOMENTS / window));
}

static size_t window_of(size_t groups) { return smaller(groups, MOST_MOMENTS); }

/// What measuring needs; where the result goes is the caller's.
static group_norm of_image(size_t pixels, size_t channels, size_t groups, const void *x, lz_dtype x_type,
                           lz_moments *room) {
    return (group_norm){.table = &lz_table()->vector,
                        .pixels = pixels,
                        .channels = channels,
                        .per_group = channels / groups,
                        .pieces = pieces_of(pixels, channels, window_of(groups)),
                        .x = x,
                        .x_type = x_type,
                        .moments = room};
}

static void give_result(group_norm *g, const float *weight, const float *bias, lz_activation activation, void *y,
                        lz_dtype y_type) {
    g->weight = weight;
    g->bias = bias;
    g->activation = activation;
    g->y = y;
    g->y_type = y_type;
}

/// The next groups in work, from `first_group` on.
static void set_window(group_norm *g, size_t first_group, size_t groups) {
    g->groups = smaller(window_of(groups), groups - first_group);
    g->first_channel = first_group * g->per_group;
    g->last_channel = (first_group + g->groups) * g->per_group;
}

/// Measures samples from `first_sample` on: piece 0 of each then holds the moments of the whole.
static void measure_window(group_norm *g, size_t samples) {
    lz_parallel(samples * g->pieces, 1, measure_pieces, g);
    for (size_t i = 0; i < samples * g->groups; i++) {
        lz_moments *total = g->moments + i / g->groups * g->pieces * g->groups + i % g->groups;
        for (size_t piece = 1; piece < g->pieces; piece++) lz_join_moments(total, total[piece * g->groups]);
    }
}

void lz_group_norm(size_t batch, size_t pixels, size_t channels, size_t groups, const void *x, lz_dtype x_type,
                   const float *weight, const float *bias, float eps, lz_activation activation, void *y,
                   lz_dtype y_type) {
    if (batch == 0 || pixels == 0 || channels == 0) return;
    lz_moments room[MOST_MOMENTS];
    group_norm g = of_image(pixels, channels, groups, x, x_type, room);
    give_result(&g, weight, bias, activation, y, y_type);
    size_t samples = MOST_MOMENTS / window_of(groups) / g.pieces;
    for (size_t group = 0; group < groups; group += g.groups) {
        set_window(&g, group, groups);
        for (g.first_sample = 0; g.first_sample < batch; g.first_sample += samples) {
            size_t here = smaller(samples, batch - g.first_sample);
            measure_window(&g, here);
            for (size_t i = 0; i < here * g.groups; i++) {
                lz_moments *total = room + i / g.groups * g.pieces * g.groups + i % g.groups;
                total->deviation = 1 / sqrt(total->deviation / total->count + eps);
            }
            lz_parallel(here * g.pieces, 1, apply_pieces, &g);
        }
    }
}

void lz_group_moments(size_t pixels, size_t channels, size_t groups, const void *x, lz_dtype x_type,
                      lz_moments *moments) {
    for (size_t i = 0; i < groups; i++) moments[i] = (lz_moments){0, 0, 0};
    if (pixels == 0 || channels == 0) return;
    // Pieces that were abandoned leave what is here.
    lz_moments room[MOST_MOMENTS] = {{0, 0, 0}};
    group_norm g = of_image(pixels, channels, groups, x, x_type, room);
    for (size_t group = 0; group < groups; group += g.groups) {
        set_window(&g, group, groups);
        measure_window(&g, 1);
        for (size_t i = 0; i < g.groups; i++) moments[group + i] = room[i];
    }
}

void lz_group_norm_by(size_t pixels, size_t channels, size_t groups, const void *x, lz_dtype x_type,
                      const lz_moments *moments, const float *weight, const float *bias, float eps,
                      lz_activation activation, void *y, lz_dtype y_type) {
    if (pixels == 0 || channels == 0) return;
    lz_moments room[MOST_MOMENTS];
    group_norm g = of_image(pixels, channels, groups, x, x_type, room);
    give_result(&g, weight, bias, activation, y, y_type);
    for (size_t group = 0; group < groups; group += g.groups) {
        set_window(&g, group, groups);
        for (size_t i = 0; i < g.groups; i++) {
            room[i] = moments[group + i];
            room[i].deviation = 1 / sqrt(room[i].count > 0 ? room[i].deviation / room[i].count + eps : 1);
        }
        lz_parallel(g.pieces, 1, apply_pieces, &g);
    }
}

// Colour profiles by Little CMS.
#include "CImages.h"

#include <lcms2.h>
#include <stdio.h>
#include <string.h>

static void stay_silent(cmsContext context, cmsUInt32Number code, const char *text) {
    (void)context;
    (void)code;
    (void)text;
}

bool lz_profile_read(const uint8_t *profile, size_t count, lz_profile_facts *facts) {
    *facts = (lz_profile_facts){0};
    if (count > UINT32_MAX) return false;
    cmsContext context = cmsCreateContext(NULL, NULL);
    if (!context) return false;
    cmsSetLogErrorHandlerTHR(context, stay_silent);
    cmsHPROFILE source = cmsOpenProfileFromMemTHR(context, profile, (cmsUInt32Number)count);
    if (source) {
        facts->channels = cmsChannelsOf(cmsGetColorSpace(source));
        cmsGetProfileInfoASCII(source, cmsInfoDescription, "en", "US", facts->name.text, sizeof facts->name.text);
        facts->name.text[sizeof facts->name.text - 1] = 0;
        cmsCloseProfile(source);
    }
    cmsDeleteContext(context);
    return source != NULL;
}

bool lz_profile_to_srgb(const uint8_t *profile, size_t count, uint32_t channels, size_t pixel_count,
                        const uint8_t *pixels, uint8_t *srgb) {
    if (count > UINT32_MAX) return false;
    cmsContext context = cmsCreateContext(NULL, NULL);
    if (!context) return false;
    cmsSetLogErrorHandlerTHR(context, stay_silent);
    cmsHPROFILE source = cmsOpenProfileFromMemTHR(context, profile, (cmsUInt32Number)count);
    cmsHPROFILE target = cmsCreate_sRGBProfileTHR(context);
    cmsHTRANSFORM transform = NULL;
    if (source && target) {
        // Alpha is a channel beside the colours and is copied. CMYK counts ink.
        static const cmsUInt32Number from[5] = {0, TYPE_GRAY_8, 0, TYPE_RGB_8, TYPE_RGBA_8};
        const bool inks = cmsGetColorSpace(source) == cmsSigCmykData;
        const cmsUInt32Number in = inks ? TYPE_CMYK_8 : from[channels];
        const cmsUInt32Number out = channels == 4 && !inks ? TYPE_RGBA_8 : channels == 1 ? TYPE_GRAY_8 : TYPE_RGB_8;
        if (channels == 1) {
            cmsCloseProfile(target);
            cmsToneCurve *curve = NULL;
            cmsFloat64Number values[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
            curve = cmsBuildParametricToneCurve(context, 4, values);
            target = curve ? cmsCreateGrayProfileTHR(context, cmsD50_xyY(), curve) : NULL;
            cmsFreeToneCurve(curve);
        }
        if (target && cmsChannelsOf(cmsGetColorSpace(source)) == (inks ? 4 : channels == 1 ? 1 : 3))
            transform = cmsCreateTransformTHR(context, source, in, target, out, INTENT_RELATIVE_COLORIMETRIC,
                                              cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_COPY_ALPHA);
    }
    if (transform) {
        enum { stretch = 1 << 16 };
        const size_t wide = channels == 4 && cmsGetColorSpace(source) == cmsSigCmykData ? 3 : channels;
        for (size_t at = 0; at < pixel_count; at += stretch) {
            const size_t some = pixel_count - at < stretch ? pixel_count - at : stretch;
            cmsDoTransform(transform, pixels + at * channels, srgb + at * wide, (cmsUInt32Number)some);
        }
        cmsDeleteTransform(transform);
    }
    if (source) cmsCloseProfile(source);
    if (target) cmsCloseProfile(target);
    cmsDeleteContext(context);
    return transform != NULL;
}

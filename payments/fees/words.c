#include "payments/fees/words.h"

struct named {
    const char *code, *vi, *en;
};

static const struct named codes[] = {
    {"KV1", "khu vực I", "zone I"},
    {"KV2", "khu vực II", "zone II"},
    {"KV3", "khu vực III", "zone III"},
    {"central_city", "thành phố trực thuộc Trung ương", "a city under the central government"},
    {"urban", "thành phố, thị xã", "a city or town"},
    {"other", "khu vực khác", "elsewhere"},
    {"phuong", "phường", "a ward"},
    {"xa", "xã", "a commune"},
    {"DakLak_cu", "tỉnh Đắk Lắk cũ", "the former Đắk Lắk province"},
    {"PhuYen_cu", "tỉnh Phú Yên cũ", "the former Phú Yên province"},
    {"new", "cấp mới", "first issue"},
    {"reissue", "cấp lại", "issued again"},
    {"extend", "gia hạn", "extension"},
    {"giahan", "gia hạn", "extension"},
    {"certify", "chứng nhận", "certification"},
    {"copy", "cấp bản sao", "a copy"},
    {"pickup", "xe bán tải", "a pick-up truck"},
    {"van", "xe tải VAN", "a van"},
    {"combined", "thẩm định đồng thời", "appraised together"},
};

struct text words_of_code(struct text code, enum fee_language language)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (text_is(code, codes[i].code))
            return text_of(language == LANGUAGE_VI ? codes[i].vi : codes[i].en);
    return code;
}

const char *words_of_channel(enum fee_channel channel, enum fee_language language)
{
    static const char *const vi[] = {"nộp trực tiếp", "nộp trực tuyến", "nộp trực tuyến một phần", "nộp qua bưu chính"};
    static const char *const en[] = {"filed at the counter", "filed online", "filed partly online", "filed by post"};
    return language == LANGUAGE_VI ? vi[channel] : en[channel];
}

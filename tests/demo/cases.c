#include "tests/demo/cases.h"

const struct demo_case demo_cases[] = {
    /* TT 226/2016 Đ4.1: pages 1–2 at 2.000, further ones at 1.000; per copy. 2×2.000 + 3×1.000 = 7.000; two copies. */
    {"CT-BANSAO", "2.000815", "QN-HALONG", "counter", "{\"pages\": 5, \"copies\": 2}", NULL, 14000, 14},
    {"CT-BANSAO", "2.000815", "QN-VANDON", "counter", "{\"pages\": 250, \"copies\": 1}", NULL, 200000,
     4}, /* cap per copy */
    /* TT 226/2016 Đ4.2 */
    {"CT-CHUKY", "2.000884", "QN-BAICHAY", "counter", "{}", NULL, 10000, 12},
    /* TT 281/2016 Đ4.4: 8.000 a copy; NQ 66.22/2026 PL II frees digital citizens online. */
    {"HT-TRICHLUC", "2.000635", "QN-HALONG", "online", "{\"copies\": 2}", NULL, 16000, 12},
    {"HT-TRICHLUC", "2.000635", "QN-BAICHAY", "online", "{\"copies\": 3}", "digital_citizen", 0, 8},
    {"HT-TRICHLUC", "2.000635", "QN-VANDON", "post", "{\"copies\": 1}", NULL, 8000, 8},
    /* TT 16/2025: 200.000 with two copies, 5.000 each further one. */
    {"LLTP", "3.000333", "QN-CAT", "online", "{\"copies\": 2}", NULL, 200000, 14},
    {"LLTP", "3.000333", "QN-CAT", "post", "{\"copies\": 4}", NULL, 210000, 8},
    {"LLTP", "3.000333", "QN-CAT", "online", "{\"copies\": 2}", "digital_citizen", 0, 6},
    /* TT 154/2025 */
    {"GPLX", "3.000347", "QN-CAT", "counter", "{}", NULL, 135000, 14},
    {"GPLX", "3.000347", "QN-CAT", "online", "{}", "digital_citizen", 0, 6},
    /* TT 75/2022: 20.000 direct, 10.000 online. */
    {"CT-THUONGTRU", "1.004222", "QN-HALONG", "counter", "{}", NULL, 20000, 12},
    {"CT-THUONGTRU", "1.004222", "QN-HALONG", "online", "{}", NULL, 10000, 14},
    /* TT 47/2019: 50.000 direct, halved by TT 64/2025; online 0. */
    {"DN-DKDN", "QN.DN-DKDN", "QN-STC", "counter", "{}", NULL, 25000, 8},
    {"DN-DKDN", "QN.DN-DKDN", "QN-STC", "online", "{}", NULL, 0, 8},
    /* TT 61/2023: 80.000; NQ 66.22/2026 PL III halves it for digital citizens online. */
    {"GDBD-LANDAU", "1.011435", "QN-SNNMT", "post", "{}", NULL, 80000, 8},
    {"GDBD-LANDAU", "1.011435", "QN-SNNMT", "online", "{}", "digital_citizen", 40000, 6},
    {"GDBD-XOA", "1.011435", "QN-SNNMT", "counter", "{}", NULL, 20000, 8},
    /* TT 73/2024: 50.000, halved by TT 64/2025. */
    {"CC-DOI", "QN.CC-DOI", "QN-CAT", "counter", "{}", NULL, 25000, 12},
    /* TT 38/2022 Đ4.1a; the 80 % of 2024–2025 is over. */
    {"XD-CCNL", "QN.XD-CCNL", "QN-SXD", "online", "{}", NULL, 1000000, 8},
    {"XD-CCNL-LAI", "QN.XD-CCNL", "QN-SXD", "online", "{}", NULL, 500000, 4},
    /* TT 33/2018 Đ4.1a, 4.2a */
    {"DL-LH-MOI", "QN.DL-LH", "QN-SVHTTDL", "post", "{}", NULL, 3000000, 6},
    {"DL-HDV", "QN.DL-HDV", "QN-SVHTTDL", "online", "{}", NULL, 650000, 6},
    /* TT 168/2016 Đ4.1b, 4.2: 1.200.000 in cities, half elsewhere. */
    {"CT-KDDK-DN", "QN.CT-KD", "QN-SCT", "counter", "{\"area_class\": \"urban\"}", NULL, 1200000, 4},
    {"CT-KDDK-DN", "QN.CT-KD", "QN-SCT", "online", "{\"area_class\": \"other\"}", NULL, 600000, 4},
    /* TT 36/2023 Đ4 */
    {"CT-CO", "QN.CT-CO", "QN-SCT", "online", "{}", NULL, 60000, 6},
};
const size_t demo_case_count = sizeof demo_cases / sizeof *demo_cases;

/* The sentences citizens read, word for word, Vietnamese and English: which rule, which quantities, which article,
 * which reduction and why. One of each kind of formula, and of what a line may add to it. */
#include "tests/unit/payments/fees/made.h"

static const char *explained(enum fee_language language)
{
    struct buf words = {0};
    quote_explain(&quote, 0, language, &words);
    const char *copy = arena_copy(&arena, buf_view(&words));
    buf_done(&words);
    return copy;
}

static void assert_says(const char *json, const char *vi, const char *en)
{
    assert_true(price(json) >= 0);
    assert_string_equal(explained(LANGUAGE_VI), vi);
    assert_string_equal(explained(LANGUAGE_EN), en);
}

static void pages_by_band_then_copies(void **state)
{
    assert_says("{'fees':['CT-BANSAO'],'channel':'counter','quantities':{'pages':5,'copies':2}}",
                "2 trang × 2.000 đ + 3 trang × 1.000 đ = 7.000 đ; 2 bản = 14.000 đ (TT 226/2016/TT-BTC, Điều 4.1)",
                "2 pages × 2,000 đ + 3 pages × 1,000 đ = 7,000 đ; 2 copies = 14,000 đ (TT 226/2016/TT-BTC, Điều 4.1)");
    assert_says(
        "{'fees':['CT-BANSAO'],'channel':'counter','quantities':{'pages':300}}",
        "2 trang × 2.000 đ + 298 trang × 1.000 đ = 302.000 đ, tối đa 200.000 đ mỗi bản (TT 226/2016/TT-BTC, Điều "
        "4.1)",
        "2 pages × 2,000 đ + 298 pages × 1,000 đ = 302,000 đ, at most 200,000 đ a copy (TT 226/2016/TT-BTC, Điều "
        "4.1)");
    assert_says("{'fees':['CT-BANSAO'],'channel':'counter','quantities':{'pages':1}}",
                "1 trang × 2.000 đ = 2.000 đ (TT 226/2016/TT-BTC, Điều 4.1)",
                "1 page × 2,000 đ = 2,000 đ (TT 226/2016/TT-BTC, Điều 4.1)");
}

static void units(void **state)
{
    assert_says("{'fees':['HT-TRICHLUC'],'channel':'counter','quantities':{'copies':2}}",
                "2 bản sao × 8.000 đ = 16.000 đ (TT 281/2016/TT-BTC, Điều 4.4)",
                "2 × 8,000 đ per copy = 16,000 đ (TT 281/2016/TT-BTC, Điều 4.4)");
}

static void included_and_further_ones(void **state)
{
    assert_says("{'fees':['LLTP'],'channel':'counter','quantities':{'copies':2}}",
                "200.000 đ (gồm 2 phiếu) (TT 16/2025/TT-BTC)", "200,000 đ (2 included) (TT 16/2025/TT-BTC)");
    assert_says("{'fees':['LLTP'],'channel':'counter','quantities':{'copies':4}}",
                "200.000 đ (gồm 2 phiếu) + 2 phiếu thêm × 5.000 đ = 210.000 đ (TT 16/2025/TT-BTC)",
                "200,000 đ (2 included) + 2 more × 5,000 đ = 210,000 đ (TT 16/2025/TT-BTC)");
}

static void a_printed_price_of_the_channel(void **state)
{
    assert_says("{'fees':['CT-TAMTRU'],'channel':'online'}",
                "nộp trực tuyến: 7.000 đ (TT 75/2022/TT-BTC (sửa đổi bởi TT 71/2025/TT-BTC))",
                "filed online: 7,000 đ (TT 75/2022/TT-BTC (sửa đổi bởi TT 71/2025/TT-BTC))");
    assert_says("{'fees':['CT-TAMTRU-DS'],'channel':'counter','quantities':{'persons':3}}",
                "nộp trực tiếp: 3 người × 10.000 đ = 30.000 đ (TT 75/2022/TT-BTC)",
                "filed at the counter: 3 × 10,000 đ per person = 30,000 đ (TT 75/2022/TT-BTC)");
}

static void a_price_of_nothing_is_not_an_exemption(void **state)
{
    assert_says("{'fees':['DN-DKDN'],'channel':'online'}",
                "nộp trực tuyến: 0 đ (mức thu bằng 0, không phải được miễn) (TT 47/2019/TT-BTC)",
                "filed online: 0 đ (the price is zero; this is not an exemption) (TT 47/2019/TT-BTC)");
}

static void marginal_brackets_and_their_cap(void **state)
{
    assert_says(
        "{'fees':['CC-HDGD'],'channel':'counter','quantities':{'value':4000000000}}",
        "giá trị 4.000.000.000 đ: 2.200.000 đ + 0,05 % × 1.000.000.000 đ = 2.700.000 đ (TT 257/2016/TT-BTC (sửa "
        "đổi bởi TT 111/2017/TT-BTC), Điều 4.2a)",
        "value 4,000,000,000 đ: 2,200,000 đ + 0.05% × 1,000,000,000 đ = 2,700,000 đ (TT 257/2016/TT-BTC (sửa đổi "
        "bởi TT 111/2017/TT-BTC), Điều 4.2a)");
    assert_says(
        "{'fees':['CC-THUE'],'channel':'counter','quantities':{'value':30000000000}}",
        "giá trị 30.000.000.000 đ: 5.000.000 đ + 0,03 % × 20.000.000.000 đ = 11.000.000 đ, tối đa 8.000.000 đ (TT "
        "257/2016/TT-BTC (sửa đổi bởi TT 111/2017/TT-BTC), Điều 4.2b)",
        "value 30,000,000,000 đ: 5,000,000 đ + 0.03% × 20,000,000,000 đ = 11,000,000 đ, at most 8,000,000 đ (TT "
        "257/2016/TT-BTC (sửa đổi bởi TT 111/2017/TT-BTC), Điều 4.2b)");
}

static void a_value_the_law_forgot(void **state)
{
    assert_says("{'fees':['CC-DAUGIA'],'channel':'counter','quantities':{'value':20000000000}}",
                "giá trị 20.000.000.000 đ: 270.000 đ (văn bản không quy định đúng mốc này; áp dụng theo chính sách ghi "
                "trong danh mục) (TT 257/2016/TT-BTC (sửa đổi bởi TT 111/2017/TT-BTC), Điều 4.2c)",
                "value 20,000,000,000 đ: 270,000 đ (the text is silent on exactly this value; the catalogue's stated "
                "policy applies) (TT 257/2016/TT-BTC (sửa đổi bởi TT 111/2017/TT-BTC), Điều 4.2c)");
}

static void an_interpolated_rate_shows_its_two_points(void **state)
{
    assert_says("{'fees':['XD-TDDA'],'channel':'counter','quantities':{'value':20000000000,'role':'combined'}}",
                "tỷ lệ nội suy 0,018 % (giữa 0,019 % ở mốc 15.000.000.000 đ và 0,017 % ở mốc 25.000.000.000 đ) × hệ số "
                "150 % × 20.000.000.000 đ = 5.400.000 đ (TT 28/2023/TT-BTC, Điều 4)",
                "interpolated rate 0.018% (between 0.019% at 15,000,000,000 đ and 0.017% at 25,000,000,000 đ) × factor "
                "150% × 20,000,000,000 đ = 5,400,000 đ (TT 28/2023/TT-BTC, Điều 4)");
    assert_says("{'fees':['XD-TDDA'],'channel':'counter','quantities':{'value':1000000000}}",
                "0,019 % × 1.000.000.000 đ = 190.000 đ, tối thiểu 500.000 đ (TT 28/2023/TT-BTC, Điều 4)",
                "0.019% × 1,000,000,000 đ = 190,000 đ, at least 500,000 đ (TT 28/2023/TT-BTC, Điều 4)");
    assert_says("{'fees':['XD-TDDA'],'channel':'counter','quantities':{'value':20000000000000}}",
                "0,001 % × 20.000.000.000.000 đ = 200.000.000 đ, tối đa 150.000.000 đ (TT 28/2023/TT-BTC, Điều 4)",
                "0.001% × 20,000,000,000,000 đ = 200,000,000 đ, at most 150,000,000 đ (TT 28/2023/TT-BTC, Điều 4)");
    assert_says("{'fees':['QH-TDDOAN'],'channel':'counter','quantities':{'value':500000000}}",
                "9,7 % × 500.000.000 đ = 48.500.000 đ (TT 35/2023/TT-BTC, Điều 4)",
                "9.7% × 500,000,000 đ = 48,500,000 đ (TT 35/2023/TT-BTC, Điều 4)");
}

static void shares_of_a_value(void **state)
{
    assert_says("{'fees':['DD-TRUOCBA-NHA'],'channel':'counter','quantities':{'value':200000000000}}",
                "0,5 % × 200.000.000.000 đ = 1.000.000.000 đ, tối đa 500.000.000 đ (NĐ 10/2022/NĐ-CP (sửa đổi bởi NĐ "
                "175/2025/NĐ-CP))",
                "0.5% × 200,000,000,000 đ = 1,000,000,000 đ, at most 500,000,000 đ (NĐ 10/2022/NĐ-CP (sửa đổi bởi NĐ "
                "175/2025/NĐ-CP))");
    assert_says("{'fees':['DD-TRUOCBA-OTO'],'channel':'counter','quantities':{'value':500000000,'sequence':1,'role':"
                "'pickup'}}",
                "lần thứ 1, xe bán tải: 6 % × 500.000.000 đ = 30.000.000 đ (NĐ 10/2022/NĐ-CP)",
                "time no. 1, a pick-up truck: 6% × 500,000,000 đ = 30,000,000 đ (NĐ 10/2022/NĐ-CP)");
}

static void a_share_of_another_fee_names_it_and_its_amount(void **state)
{
    assert_says(
        "{'fees':['XD-CCHN-LAI'],'channel':'counter'}",
        "50 % × 300.000 đ (Lệ phí cấp chứng chỉ hành nghề hoạt động xây dựng cho cá nhân) = 150.000 đ (TT "
        "38/2022/TT-BTC, Điều 4.1b)",
        "50% × 300,000 đ (Construction practising certificate of a person) = 150,000 đ (TT 38/2022/TT-BTC, Điều "
        "4.1b)");
}

static void a_cell_of_a_table_in_words(void **state)
{
    assert_says("{'fees':['XE-OTO9-KV2'],'channel':'counter'}", "khu vực II: 140.000 đ (TT 155/2025/TT-BTC)",
                "zone II: 140,000 đ (TT 155/2025/TT-BTC)");
    assert_says("{'fees':['XD-GPXD-DL-GH'],'channel':'counter','quantities':{'legacy_area':'PhuYen_cu'}}",
                "tỉnh Phú Yên cũ: 15.000 đ (NQ 24/2024/NQ-HĐND (Đắk Lắk cũ) và NQ 26/2023/NQ-HĐND (Phú Yên cũ))",
                "the former Phú Yên province: 15,000 đ (NQ 24/2024/NQ-HĐND (Đắk Lắk cũ) và NQ 26/2023/NQ-HĐND (Phú Yên "
                "cũ))");
    assert_says("{'fees':['LH-HPH'],'channel':'counter','quantities':{'role':'copy','copies':3}}",
                "cấp bản sao: 3 lần × 5.000 đ = 15.000 đ (TT 157/2016/TT-BTC)",
                "a copy: 3 × 5,000 đ per document = 15,000 đ (TT 157/2016/TT-BTC)");
}

static void a_reduction_and_its_reason(void **state)
{
    assert_says("{'fees':['CC-DOI'],'channel':'counter'}",
                "1 thẻ × 50.000 đ = 50.000 đ (TT 73/2024/TT-BTC); giảm 50 %: Giảm mức thu theo TT 64/2025/TT-BTC, bớt "
                "25.000 đ, còn 25.000 đ",
                "1 × 50,000 đ per card = 50,000 đ (TT 73/2024/TT-BTC); less 50%: Rates halved by Circular 64/2025 (TT "
                "64/2025/TT-BTC), −25,000 đ, leaves 25,000 đ");
    assert_says(
        "{'fees':['HT-TRICHLUC'],'channel':'online','quantities':{'copies':2},'beneficiary_categories':"
        "['digital_citizen']}",
        "2 bản sao × 8.000 đ = 16.000 đ (TT 281/2016/TT-BTC, Điều 4.4); được miễn: Miễn cho công dân số khi nộp "
        "trực tuyến (NQ 66.22/2026/NQ-CP, Phụ lục II), bớt 16.000 đ, còn 0 đ",
        "2 × 8,000 đ per copy = 16,000 đ (TT 281/2016/TT-BTC, Điều 4.4); exempt: Free for digital citizens filing "
        "online (NQ 66.22/2026/NQ-CP, Phụ lục II), −16,000 đ, leaves 0 đ");
}

static void assert_made_says(const char *formula, const char *asks, const char *vi, const char *en)
{
    assert_int_equal(make_fees(arena_printf(&arena, FEE_HEADER FEE("A", "%s", "2026-01-01", "", "TT 1"), formula)), OK);
    assert_true(price_with(made, arena_printf(&arena, "{'fees':['A'],'channel':'counter','quantities':{%s}}", asks)) >=
                0);
    assert_string_equal(explained(LANGUAGE_VI), vi);
    assert_string_equal(explained(LANGUAGE_EN), en);
}

static void formulas_no_shipped_fee_uses_yet(void **state)
{
    assert_made_says("foreign(USD; 25.00)", "'exchange_rate':'26085.5'",
                     "25 USD × 26.085,5 đ (tỷ giá công bố trong ngày) = 652.138 đ (TT 1, Điều 1)",
                     "25 USD × 26,085.5 đ (the rate published for the day) = 652,138 đ (TT 1, Điều 1)");
    assert_made_says("unit(9000000; next=4500000; per=persons)", "'persons':3",
                     "9.000.000 đ + 2 × 4.500.000 đ = 18.000.000 đ (TT 1, Điều 1)",
                     "9,000,000 đ + 2 × 4,500,000 đ = 18,000,000 đ (TT 1, Điều 1)");
    assert_made_says("bracket(by=value; <5e9: 90000; >=5e9: 270000; cap=200000)", "'value':6000000000",
                     "giá trị 6.000.000.000 đ: 270.000 đ, tối đa 200.000 đ (TT 1, Điều 1)",
                     "value 6,000,000,000 đ: 270,000 đ, at most 200,000 đ (TT 1, Điều 1)");
    assert_made_says("matrix(by=value; per=copies; area=KV1: 5%; else: 1%)",
                     "'value':1000000,'area_class':'KV1','copies':3",
                     "khu vực I: 5 % × 1.000.000 đ = 50.000 đ; × 3 = 150.000 đ (TT 1, Điều 1)",
                     "zone I: 5% × 1,000,000 đ = 50,000 đ; × 3 = 150,000 đ (TT 1, Điều 1)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_by_band_then_copies),
        cmocka_unit_test(units),
        cmocka_unit_test(included_and_further_ones),
        cmocka_unit_test(a_printed_price_of_the_channel),
        cmocka_unit_test(a_price_of_nothing_is_not_an_exemption),
        cmocka_unit_test(marginal_brackets_and_their_cap),
        cmocka_unit_test(a_value_the_law_forgot),
        cmocka_unit_test(an_interpolated_rate_shows_its_two_points),
        cmocka_unit_test(shares_of_a_value),
        cmocka_unit_test(a_share_of_another_fee_names_it_and_its_amount),
        cmocka_unit_test(a_cell_of_a_table_in_words),
        cmocka_unit_test(a_reduction_and_its_reason),
        cmocka_unit_test_teardown(formulas_no_shipped_fee_uses_yet, drop_made),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}

/* One receipt that tests start from and change. */
#ifndef LEPHI_TESTS_RECEIPT_SAMPLE_H
#define LEPHI_TESTS_RECEIPT_SAMPLE_H

#include "receipts/receipts.h"

#define SAMPLE_TAX_CODE "5702101234"

static const struct receipt_line sample_lines[] = {
    {TEXT("CT-BANSAO"), TEXT("Phí chứng thực bản sao từ bản chính"), RECEIPT_PHI, TEXT("3 bản × 4 trang"), 18000},
    {TEXT("HT-TRICHLUC"), TEXT("Phí cấp bản sao trích lục hộ tịch"), RECEIPT_PHI, TEXT("2 bản"), 16000},
    {TEXT("CUTRU-TT"), TEXT("Lệ phí đăng ký thường trú <trực tuyến> & xác nhận"), RECEIPT_LE_PHI, TEXT("1"), 10000},
};

static inline struct receipt_document receipt_sample(void)
{
    return (struct receipt_document){
        .form = TEXT("EBL01"),
        .symbol = TEXT("26TAA"),
        .number = 1234,
        .issued_on = date_from(2026, 11, 23),
        .collector = {.name = TEXT("Trung tâm Phục vụ hành chính công tỉnh Quảng Ninh"),
                      .tax_code = TEXT(SAMPLE_TAX_CODE),
                      .address = TEXT("Phường Hồng Gai, tỉnh Quảng Ninh"),
                      .phone = TEXT("0203 3819 999"),
                      .account = TEXT("0141000123456")},
        .payer = {.name = TEXT("Nguyễn Thị Ánh Tuyết"),
                  .address = TEXT("Tổ 5, phường Hà Lầm, tỉnh Quảng Ninh"),
                  .id_number = TEXT("022190001234")},
        .dossier = TEXT("000.21.25.H49-261123-0007"),
        .reference = TEXT("QN7K2M9X4D8P3T"),
        .lines = sample_lines,
        .line_count = sizeof sample_lines / sizeof *sample_lines,
        .total = 44000,
        .method = RECEIPT_METHOD_VIETQR,
        .collected_on = date_from(2026, 11, 23),
        .lookup_code = TEXT("q1w2e3r4t5y6u7i8o9p0Aa"),
        .replaces = {.issued_on = DATE_NONE},
        .signed_at = INSTANT_NONE,
    };
}

#endif

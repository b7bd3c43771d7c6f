/* Element names of what goes to the tax authority, in one table, as profile.h has those of the receipt.
 *
 * The columns are those of form 01/TH-BLĐT and 04/SS-CTĐT (TT 91/2026/TT-BTC); the names are ours, since the official
 * schema is not public to us; beside each stands its column. tax.xsd says the same. The envelope of transmission is
 * that of invoices (QĐ 1450/QĐ-TCT: TDiep), the only one known. */
#ifndef LEPHI_RECEIPTS_TAX_PROFILE_H
#define LEPHI_RECEIPTS_TAX_PROFILE_H

/* 01/TH-BLĐT */
#define TAX_SUMMARY      "BangTongHop"
#define TAX_SUMMARY_DATA "DuLieuTongHop"
#define TAX_FORM         "MauSo"           /* 01/TH-BLĐT, 04/SS-CTĐT */
#define TAX_CODE         "MaThongDiep"     /* Số: our message code */
#define TAX_PERIOD       "KyDuLieu"        /* [01] */
#define TAX_FIRST        "LanDau"          /* [02] */
#define TAX_AMENDED      "SuaDoiBoSungLan" /* [03] */
#define TAX_NAME         "TenDonViThu"     /* [04] */
#define TAX_TAX_CODE     "MaSoThue"        /* [05] */
#define TAX_CURRENCY     "DongTien"
#define TAX_MADE_ON      "NgayLap"
#define TAX_ROWS         "DanhSach"
#define TAX_ROW          "Dong"
#define TAX_ORDINAL      "SoThuTu"         /* 1 */
#define TAX_RECEIPT_FORM "MauSoBienLai"    /* 2 */
#define TAX_SYMBOL       "KyHieu"          /* 3 */
#define TAX_NUMBER       "So"              /* 4 */
#define TAX_ISSUED_ON    "NgayBienLai"     /* 5 */
#define TAX_FEE_NAME     "TenLoaiPhi"      /* 6 */
#define TAX_AMOUNT       "SoTien"          /* 7 */
#define TAX_STATUS       "TrangThai"       /* 9: Mới, Thay thế */
#define TAX_RELATED      "BienLaiLienQuan" /* 11 */
#define TAX_EXPLANATION  "GiaiTrinh"       /* 12 */
#define TAX_REMARK       "GhiChu"          /* 13 */
#define TAX_TOTAL        "TongTien"

/* 04/SS-CTĐT */
#define TAX_NOTICE      "ThongBaoSaiSot"
#define TAX_NOTICE_DATA "DuLieuThongBao"
#define TAX_WRONG       "NoiDungSai"
#define TAX_RIGHT       "NoiDungDung"

#define TAX_FORM_SUMMARY "01/TH-BLĐT"
#define TAX_FORM_NOTICE  "04/SS-CTĐT"

#endif

/* Every element name of the receipt document, in one table.
 *
 * The schema of the tax authority for receipts is not public, so these names are ours and make no claim to be official;
 * the last column is the nearest name of the invoice schema (QĐ 1450/QĐ-TCT), which shows the place. When the schema is
 * published, this table, receipt.xsd and the order in document_write.c are what changes. */
#ifndef LEPHI_RECEIPTS_PROFILE_H
#define LEPHI_RECEIPTS_PROFILE_H

#define RECEIPT_ROOT_NAME "BienLai"
#define RECEIPT_DATA_NAME "DuLieuBienLai"

#define RECEIPT_ELEMENTS(X)                                                                                            \
    X(ROOT, RECEIPT_ROOT_NAME, "HDon")                                                                                 \
    X(DATA, RECEIPT_DATA_NAME, "DLHDon")                                                                               \
    X(GENERAL, "ThongTinChung", "TTChung")                                                                             \
    X(VERSION, "PhienBan", "PBan")                                                                                     \
    X(TITLE, "TenBienLai", "THDon")                                                                                    \
    X(FORM, "MauSo", "KHMSHDon")                                                                                       \
    X(SYMBOL, "KyHieu", "KHHDon")                                                                                      \
    X(NUMBER, "So", "SHDon")                                                                                           \
    X(ISSUED_ON, "NgayLap", "NLap")                                                                                    \
    X(CURRENCY, "DonViTienTe", "DVTTe")                                                                                \
    X(DOSSIER, "MaHoSo", "MHSo")                                                                                       \
    X(REFERENCE, "MaThanhToan", "TTKhac")                                                                              \
    X(LOOKUP_CODE, "MaTraCuu", "TTKhac")                                                                               \
    X(RELATED, "BienLaiBiThayThe", "TTHDLQuan")                                                                        \
    X(REASON, "LyDo", "GChu")                                                                                          \
    X(COLLECTOR, "DonViThu", "NBan")                                                                                   \
    X(DELEGATE, "DonViDuocUyNhiem", "-")                                                                               \
    X(PAYER, "NguoiNop", "NMua")                                                                                       \
    X(NAME, "Ten", "Ten")                                                                                              \
    X(TAX_CODE, "MaSoThue", "MST")                                                                                     \
    X(ADDRESS, "DiaChi", "DChi")                                                                                       \
    X(PHONE, "DienThoai", "SDThoai")                                                                                   \
    X(ACCOUNT, "SoTaiKhoan", "STKNHang")                                                                               \
    X(ID_NUMBER, "SoDinhDanh", "CCCDan")                                                                               \
    X(PASSPORT, "SoHoChieu", "SHChieu")                                                                                \
    X(APPLICANT, "NguoiCoHoSo", "HVTNMHang")                                                                           \
    X(LINES, "DanhSachKhoanThu", "DSHHDVu")                                                                            \
    X(LINE, "KhoanThu", "HHDVu")                                                                                       \
    X(ORDINAL, "SoThuTu", "STT")                                                                                       \
    X(FEE, "MaKhoanThu", "MHHDVu")                                                                                     \
    X(FEE_NAME, "TenKhoanThu", "THHDVu")                                                                               \
    X(KIND, "Loai", "TChat")                                                                                           \
    X(QUANTITY, "SoLuong", "SLuong")                                                                                   \
    X(AMOUNT, "SoTien", "ThTien")                                                                                      \
    X(PAYMENT, "ThanhToan", "TToan")                                                                                   \
    X(TOTAL, "TongTien", "TgTTTBSo")                                                                                   \
    X(WORDS, "TongTienBangChu", "TgTTTBChu")                                                                           \
    X(METHOD, "HinhThucThanhToan", "HTTToan")                                                                          \
    X(COLLECTED_ON, "NgayThu", "-")                                                                                    \
    X(SIGNATURES, "ChuKySo", "DSCKS")                                                                                  \
    X(SIGNED_BY, "DonViKy", "NBan")

enum receipt_element {
#define X(symbol, name, analogue) EL_##symbol,
    RECEIPT_ELEMENTS(X)
#undef X
        EL_COUNT
};

const char *receipt_element_name(enum receipt_element element);

#define RECEIPT_VERSION "1.0"
#define RECEIPT_TITLE   "Biên lai thu phí, lệ phí"
#define RECEIPT_DATA_ID "data"

/* XMLDSig names of the signing profile; the same table serves signing and verification. */
#define DSIG_NAMESPACE    "http://www.w3.org/2000/09/xmldsig#"
#define DSIG_C14N         "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define DSIG_ENVELOPED    "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#define DSIG_SHA256       "http://www.w3.org/2001/04/xmlenc#sha256"
#define DSIG_RSA_SHA256   "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define DSIG_ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
#define DSIG_SIGNATURE_ID "signature"
#define DSIG_TIME_ID      "signing-time"

#endif

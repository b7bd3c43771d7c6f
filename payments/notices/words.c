/* What people read. One idea a sentence; fact, money, next step; the same words as on the page. */
#include "payments/notices/parts.h"

const char *const notice_kind_names[TELL_KINDS + 1] = {
    "request_made", "reminder", "paid", "shortage", "refund_made", "parcel_delivered", "parcel_attempted", NULL};

static const struct notice_words words[TELL_KINDS][2] = {
    [TELL_REQUEST_MADE] =
        {{"Nộp phí, lệ phí hồ sơ {dossier}",
          "Hồ sơ {dossier} cần nộp {amount} đồng.\r\nHạn cuối: {until}.\r\nMã nộp tiền: {code}\r\n\r\n"
          "Xem mã QR và cách nộp: {link}\r\n\r\nNếu đã chuyển tiền, không chuyển lại.\r\n",
          "Ho so {dossier}: nop {amount}d, han {until}, ma {code}. {link}", "Cần nộp phí, lệ phí"},
         {"Fees of dossier {dossier}",
          "Dossier {dossier}: {amount} dong are due.\r\nLast day: {until}.\r\nPayment code: {code}\r\n\r\n"
          "QR code and ways to pay: {link}\r\n\r\nIf you have paid, do not pay again.\r\n",
          "Dossier {dossier}: pay {amount}d by {until}, code {code}. {link}", "Fees are due"}},
    [TELL_REMINDER] =
        {{"Sắp hết hạn nộp phí, lệ phí hồ sơ {dossier}",
          "Hồ sơ {dossier} còn phải nộp {missing} đồng.\r\nHạn cuối: {until}.\r\nMã nộp tiền: {code}\r\n\r\n"
          "Xem mã QR và cách nộp: {link}\r\n\r\nNếu đã chuyển tiền, không chuyển lại.\r\n",
          "Ho so {dossier}: con phai nop {missing}d, han {until}, ma {code}. {link}", "Sắp hết hạn nộp"},
         {"The fees of dossier {dossier} are due soon",
          "Dossier {dossier}: {missing} dong are still due.\r\nLast day: {until}.\r\nPayment code: {code}\r\n\r\n"
          "QR code and ways to pay: {link}\r\n\r\nIf you have paid, do not pay again.\r\n",
          "Dossier {dossier}: {missing}d still due by {until}, code {code}. {link}", "Due soon"}},
    [TELL_PAID] = {{"Đã nhận phí, lệ phí hồ sơ {dossier}",
                    "Đã nhận đủ {amount} đồng của hồ sơ {dossier}.\r\n\r\nXem và tải biên lai: {link}\r\n",
                    "Da nhan du {amount}d cua ho so {dossier}. Bien lai: {link}", "Đã nhận đủ tiền"},
                   {"The fees of dossier {dossier} are paid",
                    "{amount} dong for dossier {dossier} have been received.\r\n\r\nYour receipt: {link}\r\n",
                    "{amount}d received for dossier {dossier}. Receipt: {link}", "Paid"}},
    [TELL_SHORTAGE] =
        {{"Hồ sơ {dossier} còn thiếu tiền",
          "Đã nhận một phần tiền của hồ sơ {dossier}.\r\nCòn thiếu {missing} đồng.\r\nHạn cuối: {until}.\r\n"
          "Mã nộp tiền: {code}\r\n\r\nQuét mã mới để nộp phần còn thiếu: {link}\r\n",
          "Ho so {dossier}: con thieu {missing}d, han {until}, ma {code}. {link}", "Còn thiếu tiền"},
         {"Dossier {dossier}: part of the fees is missing",
          "A part of the fees of dossier {dossier} has been received.\r\n{missing} dong are missing.\r\n"
          "Last day: {until}.\r\nPayment code: {code}\r\n\r\nPay the rest by a new code: {link}\r\n",
          "Dossier {dossier}: {missing}d missing, due {until}, code {code}. {link}", "A part is missing"}},
    [TELL_REFUND_MADE] =
        {{"Đã hoàn tiền hồ sơ {dossier}",
          "Đã hoàn {amount} đồng của hồ sơ {dossier}.\r\n\r\nXem tiền đang ở đâu: {link}\r\n",
          "Da hoan {amount}d cua ho so {dossier}. {link}", "Đã hoàn tiền"},
         {"Refund for dossier {dossier}",
          "{amount} dong of dossier {dossier} have been paid back.\r\n\r\nWhere the money is: {link}\r\n",
          "{amount}d of dossier {dossier} paid back. {link}", "Refund made"}},
    [TELL_PARCEL_DELIVERED] =
        {{"Bưu gửi của hồ sơ {dossier} đã được phát",
          "Bưu gửi {item} của hồ sơ {dossier} đã được phát.\r\n\r\nNếu chưa nhận được, gọi số hỗ trợ hoặc bưu cục.\r\n",
          "Buu gui {item} cua ho so {dossier} da duoc phat.", "Bưu gửi đã phát"},
         {"The parcel of dossier {dossier} was delivered",
          "Parcel {item} of dossier {dossier} was delivered.\r\n\r\nIf you have not got it, call us or the post "
          "office.\r\n",
          "Parcel {item} of dossier {dossier} was delivered.", "Parcel delivered"}},
    [TELL_PARCEL_ATTEMPTED] =
        {{"Chưa phát được bưu gửi của hồ sơ {dossier}",
          "Bưu điện đã phát bưu gửi {item} của hồ sơ {dossier} nhưng chưa gặp người nhận.\r\n\r\nBưu điện sẽ phát lại. "
          "Để hẹn giờ, gọi bưu cục và đọc số bưu gửi.\r\n",
          "Chua phat duoc buu gui {item} cua ho so {dossier}. Buu dien se phat lai.", "Chưa phát được bưu gửi"},
         {"The parcel of dossier {dossier} could not be delivered yet",
          "The post office tried to deliver parcel {item} of dossier {dossier} and met nobody.\r\n\r\nIt will try "
          "again. "
          "To agree on a time, call the post office and name the parcel.\r\n",
          "Parcel {item} of dossier {dossier} could not be delivered yet. The post office will try again.",
          "Parcel not delivered yet"}},
};

const struct notice_words *notice_words(enum notice_kind kind, enum tongue tongue)
{
    return &words[kind][tongue];
}

/* Every room's routes in one table. */
#include "app/app.h"
#include "app/pages/pages.h"
#include "app/system_routes.h"
#include "payments/fees/fees.h"
#include "payments/ledger/ledger.h"
#include "payments/requests/requests.h"
#include "postal/postal.h"
#include "receipts/receipts.h"
#include "reconciliation/reconciliation.h"

/* Who may call. Systems need the scope named in the row; staff the roles. */
#define SYSTEMS       ACCESS_SYSTEM
#define SYSTEMS_STAFF (ACCESS_SYSTEM | ACCESS_STAFF)
#define EVERYBODY     (ACCESS_PUBLIC | ACCESS_STAFF)
#define DESK          (ROLE_CASHIER | ROLE_SUPERVISOR | ROLE_ADMIN)
#define BOOKS         (ROLE_FINANCE | ROLE_AUDITOR | ROLE_SUPERVISOR | ROLE_ADMIN)
#define APPROVERS     (ROLE_FINANCE | ROLE_SUPERVISOR | ROLE_ADMIN)
#define ANY_STAFF     (DESK | BOOKS)
#define PUBLISHERS    (ROLE_FINANCE | ROLE_SUPERVISOR | ROLE_ADMIN)

/* Pages ask for staff themselves, so that a stranger is shown the form to sign in (app/pages/staff.c). */
#define FORM "application/x-www-form-urlencoded"

#define AT_WORKER(verb, path, function, ...)                                                                           \
    {                                                                                                                  \
        .method = verb, .pattern = path, .handle = function, .place = HTTP_WORKER, __VA_ARGS__                         \
    }
#define AT_LOOP(verb, path, function, ...)                                                                             \
    {                                                                                                                  \
        .method = verb, .pattern = path, .handle = function, .place = HTTP_INLINE, __VA_ARGS__                         \
    }

const struct route app_routes[] = {
    /* whether it lives */
    AT_LOOP("GET", "/healthz", system_health_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/readyz", system_ready_handle, .access = ACCESS_PUBLIC),
    AT_LOOP("GET", "/metrics", system_metrics_handle, .access = ACCESS_PUBLIC),

    /* fees */
    AT_LOOP("GET", "/v1/procedures", fees_procedures_handle, .access = ACCESS_PUBLIC),
    AT_LOOP("GET", "/v1/procedures/{code}", fees_procedure_handle, .access = ACCESS_PUBLIC),
    AT_LOOP("POST", "/v1/quotes", fees_quote_handle, .access = ACCESS_PUBLIC),

    AT_WORKER("GET", "/v1/quotes/{id}", fees_quote_again_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/v1/catalogue/versions", catalogue_versions_handle, .access = SYSTEMS_STAFF, .scope = "catalogue",
              .roles = ANY_STAFF),
    AT_WORKER("POST", "/v1/catalogue/versions", catalogue_propose_handle, .access = SYSTEMS_STAFF, .scope = "catalogue",
              .roles = PUBLISHERS, .body_max = CATALOGUE_UPLOAD_MAX),
    AT_WORKER("GET", "/v1/catalogue/versions/{version}", catalogue_version_handle, .access = SYSTEMS_STAFF,
              .scope = "catalogue", .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/catalogue/versions/{version}/{sheet}.csv", catalogue_sheet_handle, .access = SYSTEMS_STAFF,
              .scope = "catalogue", .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/catalogue/versions/{version}/simulation", simulation_handle, .access = SYSTEMS_STAFF,
              .scope = "catalogue", .roles = BOOKS),
    AT_WORKER("POST", "/v1/catalogue/versions/{version}/approve", catalogue_approve_handle, .access = ACCESS_STAFF,
              .roles = PUBLISHERS),
    AT_WORKER("POST", "/v1/catalogue/versions/{version}/withdraw", catalogue_withdraw_handle, .access = ACCESS_STAFF,
              .roles = PUBLISHERS),

    /* dossiers and requests */
    AT_WORKER("PUT", "/v1/dossiers/{code}", dossier_put_handle, .access = SYSTEMS_STAFF, .scope = "dossiers",
              .roles = DESK),
    AT_WORKER("GET", "/v1/dossiers/{code}", dossier_get_handle, .access = SYSTEMS_STAFF, .scope = "dossiers",
              .roles = ANY_STAFF),
    AT_WORKER("POST", "/v1/payment-requests", payment_request_create_handle, .access = SYSTEMS_STAFF,
              .scope = "requests", .roles = DESK),
    AT_WORKER("GET", "/v1/payment-requests/{id}", payment_request_get_handle, .access = SYSTEMS_STAFF,
              .scope = "requests", .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/payment-requests/{id}/events", payment_request_events_handle, .access = SYSTEMS_STAFF,
              .scope = "requests", .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/payment-requests/{id}/qr.svg", payment_request_qr_svg_handle, .access = SYSTEMS_STAFF,
              .scope = "requests", .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/payment-requests/{id}/qr.png", payment_request_qr_png_handle, .access = SYSTEMS_STAFF,
              .scope = "requests", .roles = ANY_STAFF),
    AT_WORKER("POST", "/v1/payment-requests/{id}/cancel", payment_request_cancel_handle, .access = SYSTEMS_STAFF,
              .scope = "requests", .roles = DESK),
    AT_WORKER("POST", "/v1/payment-requests/{id}/reopen", payment_request_reopen_handle, .access = SYSTEMS_STAFF,
              .scope = "requests", .roles = DESK),
    AT_WORKER("GET", "/v1/payment-requests/{id}/benefits", benefits_handle, .access = SYSTEMS_STAFF,
              .scope = "requests", .roles = ANY_STAFF),
    AT_WORKER("POST", "/v1/payment-requests/{id}/benefits/{benefit}/verify", benefit_verify_handle,
              .access = ACCESS_STAFF, .roles = DESK),
    AT_WORKER("POST", "/v1/payment-requests/{id}/benefits/{benefit}/reject", benefit_reject_handle,
              .access = ACCESS_STAFF, .roles = DESK),
    AT_WORKER("POST", "/v1/dossiers/{code}/channel-changes", channel_change_ask_handle, .access = ACCESS_STAFF,
              .roles = DESK),
    AT_WORKER("POST", "/v1/dossiers/{code}/channel-changes/{id}/approve", channel_change_approve_handle,
              .access = ACCESS_STAFF, .roles = DESK),
    AT_WORKER("POST", "/v1/payment-requests/{id}/wallet-payments", ledger_wallet_handle, .access = SYSTEMS_STAFF,
              .scope = "requests", .roles = DESK),
    AT_WORKER("GET", "/p/{token}/status", payment_request_status_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/p/{token}/qr.svg", payment_request_qr_svg_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/p/{token}/qr.png", payment_request_qr_png_handle, .access = ACCESS_PUBLIC),

    /* money */
    AT_LOOP("POST", "/v1/notifications/{source}", ledger_notification_handle, .access = ACCESS_PUBLIC, .media = "*"),
    AT_LOOP("GET", "/v1/notifications/{source}", ledger_notification_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/v1/payments", ledger_payments_handle, .access = SYSTEMS_STAFF, .scope = "payments",
              .roles = BOOKS),

    /* refunds */
    AT_WORKER("POST", "/v1/payments/{id}/refunds", ledger_refund_ask_handle, .access = SYSTEMS_STAFF,
              .scope = "refunds", .roles = DESK | ROLE_FINANCE),
    AT_WORKER("GET", "/v1/refunds", ledger_refunds_handle, .access = SYSTEMS_STAFF, .scope = "refunds",
              .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/refunds/{id}", ledger_refund_handle, .access = SYSTEMS_STAFF, .scope = "refunds",
              .roles = ANY_STAFF),
    AT_WORKER("POST", "/v1/refunds/{id}/approve", ledger_refund_approve_handle, .access = ACCESS_STAFF,
              .roles = APPROVERS),
    AT_WORKER("POST", "/v1/refunds/{id}/refuse", ledger_refund_refuse_handle, .access = ACCESS_STAFF,
              .roles = APPROVERS),
    AT_WORKER("POST", "/v1/refunds/{id}/paid", ledger_refund_paid_handle, .access = ACCESS_STAFF, .roles = APPROVERS),
    AT_WORKER("POST", "/v1/refunds/{id}/failed", ledger_refund_failed_handle, .access = ACCESS_STAFF,
              .roles = APPROVERS),
    AT_WORKER("POST", "/v1/refund-lists", ledger_refund_list_make_handle, .access = ACCESS_STAFF, .roles = APPROVERS),
    AT_WORKER("GET", "/v1/refund-lists/{id}.csv", ledger_refund_list_csv_handle, .access = ACCESS_STAFF,
              .roles = APPROVERS | ROLE_AUDITOR),

    /* receipts */
    AT_WORKER("GET", "/v1/receipts", receipt_list_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/receipts/concerns", receipt_concerns_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = BOOKS),
    AT_WORKER("POST", "/v1/receipts/concerns/{id}/explain", receipt_concern_explain_handle, .access = ACCESS_STAFF,
              .roles = ROLE_SUPERVISOR | ROLE_FINANCE | ROLE_ADMIN),
    AT_WORKER("PUT", "/v1/payment-requests/{id}/payer", receipt_payer_handle, .access = SYSTEMS_STAFF,
              .scope = "requests", .roles = DESK),
    AT_WORKER("GET", "/v1/payment-requests/{id}/acknowledgement", receipt_acknowledgement_handle,
              .access = SYSTEMS_STAFF, .scope = "requests", .roles = ANY_STAFF),
    AT_WORKER("GET", "/p/{token}/acknowledgement", receipt_acknowledgement_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("POST", "/v1/receipts/lookup", receipt_lookup_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("POST", "/v1/receipts/lookup/code", receipt_lookup_code_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("POST", "/v1/receipts/lookup/open", receipt_lookup_open_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/v1/receipts/ranges", receipt_ranges_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("POST", "/v1/receipts/lists", receipt_list_import_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = ROLE_FINANCE | ROLE_ADMIN, .media = "text/csv", .body_max = RECEIPT_UPLOAD_MAX),
    AT_WORKER("GET", "/v1/receipts/corrections", receipt_corrections_handle, .access = SYSTEMS_STAFF,
              .scope = "receipts", .roles = BOOKS),
    AT_WORKER("POST", "/v1/receipts/corrections/{id}/approve", receipt_correction_approve_handle,
              .access = ACCESS_STAFF, .roles = ROLE_SUPERVISOR | ROLE_FINANCE | ROLE_ADMIN),
    AT_WORKER("POST", "/v1/receipts/corrections/{id}/refuse", receipt_correction_refuse_handle, .access = ACCESS_STAFF,
              .roles = ROLE_SUPERVISOR | ROLE_FINANCE | ROLE_ADMIN),
    AT_WORKER("POST", "/v1/receipts/summaries", receipt_summaries_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = ROLE_FINANCE | ROLE_ADMIN),
    AT_WORKER("GET", "/v1/reports/receipts", receipt_book_handle, .access = SYSTEMS_STAFF, .scope = "reports",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/tax-messages", receipt_tax_list_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/tax-messages/{id}", receipt_tax_get_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/tax-messages/{id}.xml", receipt_tax_xml_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = BOOKS),
    AT_WORKER("POST", "/v1/tax-messages/{id}/send", receipt_tax_send_handle, .access = SYSTEMS_STAFF,
              .scope = "receipts", .roles = ROLE_FINANCE | ROLE_ADMIN),
    AT_WORKER("GET", "/v1/receipts/{id}", receipt_get_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/receipts/{id}.xml", receipt_xml_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/receipts/{id}.pdf", receipt_pdf_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/receipts/{id}.html", receipt_html_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = ANY_STAFF),
    AT_WORKER("POST", "/v1/receipts/{id}/error-notice", receipt_notice_handle, .access = SYSTEMS_STAFF,
              .scope = "receipts", .roles = ROLE_SUPERVISOR | ROLE_FINANCE | ROLE_ADMIN),
    AT_WORKER("POST", "/v1/receipts/{id}/replace", receipt_replace_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = ROLE_SUPERVISOR | ROLE_FINANCE | ROLE_ADMIN),
    AT_WORKER("GET", "/v1/receipts/{id}/proof", receipt_proof_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/receipts/{id}/timestamp", receipt_stamp_state_handle, .access = SYSTEMS_STAFF,
              .scope = "receipts", .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/receipts/{id}.tsr", receipt_stamp_handle, .access = SYSTEMS_STAFF, .scope = "receipts",
              .roles = ANY_STAFF),
    AT_WORKER("GET", "/r/{token}.tsr", receipt_stamp_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/v1/receipt-log", receipt_log_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/v1/receipt-log/heads", receipt_log_heads_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/v1/receipt-log/heads/{day}", receipt_log_head_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/v1/receipt-log/heads/{day}.txt", receipt_log_head_text_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/v1/receipt-log/leaves", receipt_log_leaves_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/v1/receipt-log/consistency", receipt_log_consistency_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/receipt-log", receipt_log_page_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/r/{token}/proof", receipt_proof_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("POST", "/v1/receipts/verify", receipt_verify_handle, .access = ACCESS_PUBLIC, .media = "*",
              .body_max = RECEIPT_UPLOAD_MAX),
    AT_WORKER("GET", "/r/{token}", receipt_page_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/r/{token}.xml", receipt_xml_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/r/{token}.pdf", receipt_pdf_handle, .access = ACCESS_PUBLIC),
    AT_LOOP("GET", "/verify", receipt_verify_page_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("POST", "/verify", receipt_verify_page_handle, .access = ACCESS_PUBLIC, .media = "*",
              .body_max = RECEIPT_UPLOAD_MAX),
    AT_LOOP("GET", "/assets/receipt.css", receipt_style_handle, .access = ACCESS_PUBLIC),

    /* pages */
    AT_LOOP("GET", "/static/{path*}", pages_static_handle, .access = ACCESS_PUBLIC),
    AT_LOOP("GET", "/openapi.json", pages_openapi_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("GET", "/", pages_front_handle, .access = EVERYBODY),
    AT_WORKER("GET", "/receipts", pages_find_receipt_handle, .access = EVERYBODY),
    AT_WORKER("POST", "/receipts", pages_find_receipt_handle, .access = EVERYBODY, .media = FORM, .body_max = 4096),
    AT_WORKER("GET", "/docs", pages_docs_handle, .access = EVERYBODY),
    AT_WORKER("GET", "/quote", pages_quote_handle, .access = EVERYBODY),
    AT_WORKER("GET", "/p/{token}", pages_pay_handle, .access = EVERYBODY),
    AT_WORKER("POST", "/p/{token}/ways/{source}", pages_pay_with_handle, .access = EVERYBODY, .media = FORM),
    AT_WORKER("POST", "/p/{token}/renew", pages_renew_handle, .access = EVERYBODY, .media = FORM),
    AT_WORKER("POST", "/login", pages_login_handle, .access = EVERYBODY, .media = FORM, .body_max = 4096),
    AT_WORKER("POST", "/logout", pages_logout_handle, .access = EVERYBODY, .media = FORM, .body_max = 4096),
    AT_WORKER("GET", "/counter", pages_counter_handle, .access = EVERYBODY),
    AT_WORKER("POST", "/counter/requests", pages_counter_request_handle, .access = EVERYBODY, .media = FORM),
    AT_WORKER("GET", "/finance", pages_finance_handle, .access = EVERYBODY),
    AT_WORKER("POST", "/finance/corrections", pages_correction_handle, .access = EVERYBODY, .media = FORM),
    AT_WORKER("GET", "/finance/catalogue", pages_catalogue_handle, .access = EVERYBODY),
    AT_WORKER("POST", "/finance/catalogue", pages_catalogue_act_handle, .access = EVERYBODY, .media = FORM,
              .body_max = CATALOGUE_UPLOAD_MAX),
    AT_WORKER("POST", "/counter/benefits", pages_counter_benefit_handle, .access = EVERYBODY, .media = FORM),
    AT_WORKER("POST", "/counter/channel", pages_counter_channel_handle, .access = EVERYBODY, .media = FORM),

    /* letters */
    AT_LOOP("POST", "/v1/postal/quotes", postal_quote_handle, .access = ACCESS_PUBLIC),
    AT_WORKER("POST", "/v1/postal/bookings", postal_book_handle, .access = SYSTEMS_STAFF, .scope = "postal",
              .roles = DESK),
    AT_WORKER("GET", "/v1/postal/bookings/{id}", postal_booking_handle, .access = SYSTEMS_STAFF, .scope = "postal",
              .roles = ANY_STAFF),
    AT_WORKER("GET", "/v1/postal/bookings/{id}/label.pdf", postal_label_handle, .access = SYSTEMS_STAFF,
              .scope = "postal", .roles = DESK),
    AT_WORKER("POST", "/v1/postal/bookings/{id}/cancel", postal_cancel_handle, .access = SYSTEMS_STAFF,
              .scope = "postal", .roles = DESK),
    AT_WORKER("GET", "/v1/postal/bookings/{id}/tracking", postal_tracking_handle, .access = SYSTEMS_STAFF,
              .scope = "postal", .roles = ANY_STAFF),
    AT_WORKER("POST", "/v1/notifications/vnpost", postal_notice_handle, .access = ACCESS_PUBLIC),

    /* statements and what does not agree */
    AT_WORKER("POST", "/v1/statements", statements_create_handle, .access = SYSTEMS_STAFF, .scope = "statements",
              .roles = BOOKS & ~ROLE_AUDITOR, .media = "*", .body_max = STATEMENT_UPLOAD_MAX),
    AT_WORKER("GET", "/v1/statements/{id}", statement_get_handle, .access = SYSTEMS_STAFF, .scope = "statements",
              .roles = BOOKS),
    AT_WORKER("POST", "/v1/reconciliation-runs", reconciliation_run_create_handle, .access = SYSTEMS_STAFF,
              .scope = "reconciliation", .roles = ROLE_FINANCE | ROLE_ADMIN),
    AT_WORKER("GET", "/v1/reconciliation-runs/{id}", reconciliation_run_get_handle, .access = SYSTEMS_STAFF,
              .scope = "reconciliation", .roles = BOOKS),
    AT_WORKER("GET", "/v1/exceptions", exceptions_list_handle, .access = SYSTEMS_STAFF, .scope = "reconciliation",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/exceptions/{id}", exception_get_handle, .access = SYSTEMS_STAFF, .scope = "reconciliation",
              .roles = BOOKS),
    AT_WORKER("POST", "/v1/exceptions/{id}/owner", exception_owner_handle, .access = ACCESS_STAFF,
              .roles = ROLE_FINANCE | ROLE_SUPERVISOR),
    AT_WORKER("POST", "/v1/exceptions/{id}/resolve", exception_resolve_handle, .access = ACCESS_STAFF,
              .roles = ROLE_FINANCE | ROLE_SUPERVISOR),
    AT_WORKER("POST", "/v1/statement-lines/{id}/unmatch", line_unmatch_handle, .access = ACCESS_STAFF,
              .roles = ROLE_FINANCE | ROLE_SUPERVISOR),
    AT_WORKER("GET", "/v1/payer-links", payer_links_list_handle, .access = SYSTEMS_STAFF, .scope = "reconciliation",
              .roles = BOOKS),
    AT_WORKER("POST", "/v1/payer-links", payer_link_propose_handle, .access = ACCESS_STAFF,
              .roles = ROLE_FINANCE | ROLE_SUPERVISOR),
    AT_WORKER("POST", "/v1/payer-links/{id}/approve", payer_link_approve_handle, .access = ACCESS_STAFF,
              .roles = ROLE_FINANCE | ROLE_SUPERVISOR),
    AT_WORKER("POST", "/v1/payer-links/{id}/end", payer_link_end_handle, .access = ACCESS_STAFF,
              .roles = ROLE_FINANCE | ROLE_SUPERVISOR),
    AT_WORKER("GET", "/v1/reports/suspense", report_suspense_handle, .access = SYSTEMS_STAFF, .scope = "reports",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/reports/charges", report_charges_handle, .access = SYSTEMS_STAFF, .scope = "reports",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/reports/daily", report_daily_handle, .access = SYSTEMS_STAFF, .scope = "reports",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/reports/collections", report_collections_handle, .access = SYSTEMS_STAFF, .scope = "reports",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/reports/treasury", report_treasury_handle, .access = SYSTEMS_STAFF, .scope = "reports",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/reports/breaks", report_breaks_handle, .access = SYSTEMS_STAFF, .scope = "reports",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/reports/indicators", report_indicators_handle, .access = SYSTEMS_STAFF, .scope = "reports",
              .roles = BOOKS),
    AT_WORKER("GET", "/v1/events", events_handle, .access = SYSTEMS, .scope = "events"),
};
const size_t app_route_count = sizeof app_routes / sizeof *app_routes;

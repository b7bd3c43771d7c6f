/* A QR code as a picture: SVG for pages, PNG for saving and printing. Level M, four modules of quiet zone, black on
 * white. */
#ifndef LEPHI_PAYMENTS_QR_IMAGE_H
#define LEPHI_PAYMENTS_QR_IMAGE_H

#include "core/base/buf.h"

/* Appends an <svg> element with one path; `title` is its alternative text (escaped here). ERR_FIELD_LENGTH when the
 * payload does not fit into a QR code. */
MUST_CHECK enum err qr_image_svg(struct text payload, struct text title, struct buf *out);

/* Appends a one-bit PNG with 8 pixels a module. */
MUST_CHECK enum err qr_image_png(struct text payload, struct buf *out);

#endif

/* BIFF .xls, in two floors: the compound file that holds a stream, and the records in it. Private to table/. */
#ifndef LEPHI_RECONCILIATION_TABLE_BIFF_H
#define LEPHI_RECONCILIATION_TABLE_BIFF_H

#include "reconciliation/table/grid.h"

/* Little-endian numbers; 0 where the bytes end. */
uint16_t biff_u16(struct text bytes, size_t at);
uint32_t biff_u32(struct text bytes, size_t at);

/* The stream "Workbook" (or "Book") of a compound file ([MS-CFB]); false when it is damaged. A file that is none is its
 * own stream, as BIFF 5 and older were written. `ret_stream` is a new buf. */
bool biff_stream(struct text file, struct buf *ret_stream);

/* Reads the workbook's visible sheets ([MS-XLS], BIFF 5 and 8). */
enum err biff_read(struct text stream, const struct grid_sink *sink);

#endif

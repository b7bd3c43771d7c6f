/* How much one address may ask for: token buckets in a table of fixed size.
 *
 * A bucket holds `burst` tokens and gains `per_minute` of them; an act that costs more than is left is refused. IPv6
 * addresses share a bucket by their first 64 bits, the least one household is given. When the table is full the
 * bucket of its set that was idle longest makes room. Thread-safe. */
#ifndef LEPHI_CORE_HTTP_LIMIT_H
#define LEPHI_CORE_HTTP_LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include "core/base/text.h"

struct limit;

struct limit *limit_new(int burst, int per_minute); /* both at least 1 */
void limit_free(struct limit *limit);               /* NULL is fine */

/* Takes `cost` tokens of the address's bucket at this monotonic time; false when there are not so many. */
bool limit_take(struct limit *limit, struct text address, int cost, int64_t now_us);

#endif

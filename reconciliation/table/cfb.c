/* Compound files: sectors in chains, as [MS-CFB] lays them out. Every chain is bounded by the number of sectors. */
#include "reconciliation/table/biff.h"

#include <string.h>

enum { HEADER = 512, DIFAT_IN_HEADER = 109, ENTRY = 128, MINI = 64, MINI_BELOW = 4096 };

struct compound {
    struct text file;    /* its first 512 bytes are the header */
    size_t first_sector; /* where the sectors begin */
    size_t sector_size, sectors;
    struct buf fat_at;   /* sectors that hold the FAT (uint32_t) */
    struct buf mini_fat; /* the mini FAT's bytes */
    struct buf mini;     /* the mini stream */
};

uint16_t biff_u16(struct text bytes, size_t at)
{
    if (at + 2 > bytes.length)
        return 0;
    const unsigned char *b = (const unsigned char *)bytes.at + at;
    return (uint16_t)(b[0] | b[1] << 8);
}

uint32_t biff_u32(struct text bytes, size_t at)
{
    return at + 4 <= bytes.length ? (uint32_t)biff_u16(bytes, at) | (uint32_t)biff_u16(bytes, at + 2) << 16 : 0;
}

static struct text sector(const struct compound *c, uint32_t index)
{
    if (index >= c->sectors)
        return TEXT_NONE;
    return text_slice(c->file, c->first_sector + (size_t)index * c->sector_size, c->sector_size);
}

static uint32_t next_sector(const struct compound *c, uint32_t index)
{
    size_t per = c->sector_size / 4, which = index / per;
    uint32_t at;
    if (which * sizeof at >= c->fat_at.length)
        return UINT32_MAX;
    memcpy(&at, c->fat_at.at + which * sizeof at, sizeof at);
    struct text fat = sector(c, at);
    return fat.length ? biff_u32(fat, index % per * 4) : UINT32_MAX;
}

static bool chain_read(const struct compound *c, uint32_t first, size_t most, struct buf *ret)
{
    uint32_t at = first;
    for (size_t steps = 0; at < c->sectors && ret->length < most; steps++, at = next_sector(c, at)) {
        struct text bytes = sector(c, at);
        if (steps > c->sectors || !bytes.length)
            return false; /* a circle */
        buf_text(ret, bytes);
    }
    return true;
}

/* Where the FAT lies: the first 109 sectors in the header, further ones in a chain of their own. */
static bool fat_find(struct compound *c)
{
    for (size_t i = 0; i < DIFAT_IN_HEADER; i++) {
        uint32_t at = biff_u32(c->file, 76 + 4 * i);
        if (at < c->sectors)
            buf_put(&c->fat_at, &at, sizeof at);
    }
    uint32_t more = biff_u32(c->file, 68);
    for (size_t steps = 0; more < c->sectors; steps++) {
        struct text difat = sector(c, more);
        if (steps > c->sectors || difat.length < c->sector_size)
            return false;
        for (size_t i = 0; i + 1 < c->sector_size / 4; i++) {
            uint32_t at = biff_u32(difat, 4 * i);
            if (at < c->sectors && c->fat_at.length < c->sectors * sizeof at)
                buf_put(&c->fat_at, &at, sizeof at);
        }
        more = biff_u32(difat, c->sector_size - 4);
    }
    return true;
}

static bool mini_read(const struct compound *c, uint32_t first, size_t size, struct buf *ret)
{
    struct text mini = buf_view(&c->mini), fat = buf_view(&c->mini_fat);
    uint32_t at = first;
    for (size_t steps = 0; ret->length < size; steps++) {
        struct text bytes = text_slice(mini, (size_t)at * MINI, MINI);
        if (!bytes.length || steps > mini.length / MINI)
            return false;
        buf_text(ret, bytes);
        if ((size_t)at * 4 + 4 > fat.length)
            return ret->length >= size;
        at = biff_u32(fat, (size_t)at * 4);
    }
    return true;
}

/* Is the entry's name (UTF-16) this one? */
static bool named(struct text entry, const char *name)
{
    size_t length = strlen(name);
    if (biff_u16(entry, 64) != 2 * (length + 1))
        return false;
    for (size_t i = 0; i < length; i++)
        if ((biff_u16(entry, 2 * i) | 32) != (name[i] | 32))
            return false;
    return true;
}

static bool stream_find(struct compound *c, struct text directory, struct buf *ret_stream)
{
    struct text found = TEXT_NONE, root = text_slice(directory, 0, ENTRY);
    for (size_t at = 0; at + ENTRY <= directory.length && !found.length; at += ENTRY) {
        struct text entry = text_slice(directory, at, ENTRY);
        if (named(entry, "Workbook") || named(entry, "Book"))
            found = entry;
    }
    if (!found.length)
        return false;
    size_t size = biff_u32(found, 120);
    uint32_t first = biff_u32(found, 116);
    bool read;
    if (size < MINI_BELOW) {
        read = chain_read(c, biff_u32(root, 116), c->file.length, &c->mini) &&
               chain_read(c, biff_u32(c->file, 60), c->file.length, &c->mini_fat) &&
               mini_read(c, first, size, ret_stream);
    } else {
        read = chain_read(c, first, size, ret_stream);
    }
    if (ret_stream->length < size)
        return false; /* cut short */
    ret_stream->length = size;
    return read;
}

bool biff_stream(struct text file, struct buf *ret_stream)
{
    if (!text_starts(file, "\xD0\xCF\x11\xE0")) {
        buf_text(ret_stream, file);
        return true;
    }
    unsigned shift = biff_u16(file, 30);
    if (file.length < HEADER || (shift != 9 && shift != 12))
        return false;
    struct compound c = {.file = file, .sector_size = (size_t)1 << shift};
    c.first_sector = c.sector_size; /* the header fills a sector, of 512 or 4096 bytes */
    c.sectors = file.length > c.first_sector ? (file.length - c.first_sector + c.sector_size - 1) / c.sector_size : 0;
    struct buf directory = {0};
    bool read = fat_find(&c) && chain_read(&c, biff_u32(file, 48), file.length, &directory) &&
                stream_find(&c, buf_view(&directory), ret_stream);
    buf_done(&directory);
    buf_done(&c.fat_at);
    buf_done(&c.mini);
    buf_done(&c.mini_fat);
    return read;
}

/* Merkle trees: the vectors of RFC 6962's public test suite, every proof of every small tree, and proofs that were
 * bent. That an independent program agrees is tested by merkle_peer_test.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "receipts/merkle.h"

enum { LEAVES = 70 };

static struct merkle_hash leaves[LEAVES];

/* The leaves of the test suite of RFC 6962 (certificate-transparency, merkle_tree_test), d0 to d7. */
static const struct text inputs[] = {
    TEXT(""),
    TEXT("\x00"),
    TEXT("\x10"),
    TEXT("\x20\x21"),
    TEXT("\x30\x31"),
    TEXT("\x40\x41\x42\x43"),
    TEXT("\x50\x51\x52\x53\x54\x55\x56\x57"),
    TEXT("\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"),
};
static const char *const roots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

/* A complete subtree, from its leaves. */
static bool find_leaf(void *with, int level, int64_t index, struct merkle_hash *ret_hash)
{
    const struct merkle_hash *base = with;
    struct merkle_hash left, right;
    if (!level) {
        *ret_hash = base[index];
        return index < LEAVES;
    }
    if ((index + 1) << level > LEAVES)
        return false;
    if (!find_leaf(with, level - 1, index * 2, &left) || !find_leaf(with, level - 1, index * 2 + 1, &right))
        return false;
    merkle_node(&left, &right, ret_hash);
    return true;
}

static const struct merkle_source source = {find_leaf, leaves};

static int set_up(void **state)
{
    for (int i = 0; i < LEAVES; i++) {
        char entry[16] = {(char)i, (char)(i * 7)};
        if (i < 8)
            merkle_leaf(inputs[i], &leaves[i]);
        else
            merkle_leaf((struct text){entry, sizeof entry}, &leaves[i]);
    }
    return 0;
}

static void roots_are_those_of_the_public_vectors(void **state)
{
    for (int size = 0; size <= 8; size++) {
        struct merkle_hash root;
        char hex[HEX_SHA256_SIZE];
        assert_true(merkle_root(&source, size, &root));
        hex_encode(root.at, MERKLE_SIZE, hex);
        assert_string_equal(hex, roots[size]);
    }
}

static void every_leaf_of_every_small_tree_proves_itself_and_nothing_else(void **state)
{
    for (int size = 1; size <= LEAVES; size++) {
        struct merkle_hash root;
        assert_true(merkle_root(&source, size, &root));
        for (int index = 0; index < size; index++) {
            struct merkle_proof proof;
            assert_true(merkle_inclusion(&source, index, size, &proof));
            assert_true(merkle_inclusion_holds(&leaves[index], index, size, &proof, &root));
            assert_false(merkle_inclusion_holds(&leaves[(index + 1) % LEAVES], index, size, &proof, &root));
            if (size > 1)
                assert_false(merkle_inclusion_holds(&leaves[index], (index + 1) % size, size, &proof, &root));
            for (size_t i = 0; i < proof.count; i++) {
                proof.nodes[i].at[i % MERKLE_SIZE] ^= 1;
                assert_false(merkle_inclusion_holds(&leaves[index], index, size, &proof, &root));
                proof.nodes[i].at[i % MERKLE_SIZE] ^= 1;
            }
            proof.count++;
            assert_false(merkle_inclusion_holds(&leaves[index], index, size, &proof, &root));
            proof.count = proof.count > 1 ? proof.count - 2 : 0;
            if (size > 1)
                assert_false(merkle_inclusion_holds(&leaves[index], index, size, &proof, &root));
        }
        struct merkle_proof none;
        assert_false(merkle_inclusion(&source, size, size, &none));
        assert_false(merkle_inclusion(&source, -1, size, &none));
    }
}

static void every_two_sizes_prove_that_one_is_the_beginning_of_the_other(void **state)
{
    for (int second = 0; second <= LEAVES; second++) {
        for (int first = 0; first <= second; first++) {
            struct merkle_hash a, b;
            struct merkle_proof proof;
            assert_true(merkle_root(&source, first, &a));
            assert_true(merkle_root(&source, second, &b));
            assert_true(merkle_consistency(&source, first, second, &proof));
            assert_true(merkle_consistency_holds(first, second, &a, &b, &proof));
            b.at[0] ^= 1; /* an empty log is the beginning of any other */
            assert_true(merkle_consistency_holds(first, second, &a, &b, &proof) == (!first && second));
            b.at[0] ^= 1;
            a.at[31] ^= 1;
            assert_false(merkle_consistency_holds(first, second, &a, &b, &proof));
            a.at[31] ^= 1;
            for (size_t i = 0; i < proof.count; i++) {
                proof.nodes[i].at[0] ^= 1;
                assert_false(merkle_consistency_holds(first, second, &a, &b, &proof));
                proof.nodes[i].at[0] ^= 1;
            }
        }
    }
    struct merkle_proof none;
    assert_false(merkle_consistency(&source, 5, 4, &none));
}

/* Two heads, and between them one leaf was removed, changed, or put in behind the times: no proof can be made. */
static void a_rewritten_past_has_no_proof(void **state)
{
    struct merkle_hash old_root, forged_root, forged[LEAVES];
    struct merkle_proof honest, bent;
    const struct merkle_source forger = {find_leaf, forged};
    assert_true(merkle_root(&source, 41, &old_root));
    for (int kind = 0; kind < 3; kind++) {
        memcpy(forged, leaves, sizeof forged);
        if (kind == 0) /* removed */
            memmove(&forged[17], &forged[18], (LEAVES - 18) * sizeof *forged);
        else if (kind == 1) /* changed */
            merkle_leaf(TEXT("another amount"), &forged[17]);
        else { /* backdated */
            memmove(&forged[18], &forged[17], (LEAVES - 18) * sizeof *forged);
            merkle_leaf(TEXT("yesterday's receipt of today"), &forged[17]);
        }
        assert_true(merkle_root(&forger, 60, &forged_root));
        assert_true(merkle_consistency(&forger, 41, 60, &bent));
        assert_false(merkle_consistency_holds(41, 60, &old_root, &forged_root, &bent));
        assert_true(merkle_consistency(&source, 41, 60, &honest));
        assert_false(merkle_consistency_holds(41, 60, &old_root, &forged_root, &honest));
    }
}

static void what_is_fetched_for_a_proof_is_enough(void **state)
{
    int64_t levels[MERKLE_WANTED_MAX], indexes[MERKLE_WANTED_MAX];
    const int64_t huge = INT64_C(1) << 40;
    assert_true(merkle_wanted(huge - 1, huge / 3, huge + 12345, levels, indexes) <= MERKLE_WANTED_MAX);
    for (int second = 1; second <= LEAVES; second++) {
        for (int first = 0; first < second; first++) {
            size_t count = merkle_wanted(first, first, second, levels, indexes);
            for (size_t i = 0; i < count; i++)
                assert_true((indexes[i] + 1) << levels[i] <= second);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_those_of_the_public_vectors),
        cmocka_unit_test(every_leaf_of_every_small_tree_proves_itself_and_nothing_else),
        cmocka_unit_test(every_two_sizes_prove_that_one_is_the_beginning_of_the_other),
        cmocka_unit_test(a_rewritten_past_has_no_proof),
        cmocka_unit_test(what_is_fetched_for_a_proof_is_enough),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

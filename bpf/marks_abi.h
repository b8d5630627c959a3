/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * marks_abi - the program of the mark rules, as TypeScript writes it; part of abi.h
 */
#ifndef XLVS_MARKS_ABI_H
#define XLVS_MARKS_ABI_H

enum mark_limits {
	/* Steps that rules may be compiled to; the map has room for two such programs. */
	MAX_MARK_STEPS = 262144,
	/* Room for all fields: a power of two. */
	MARK_FIELDS_ROOM = 16,
};

/* What a step of the mark rules looks at. */
enum mark_field {
	/* Protocol | family << 8. */
	MARK_KIND = 0,
	/* Addresses: four words, of IPv4 the first one; as numbers, as are the ports. */
	MARK_SOURCE = 1,
	MARK_TARGET = 5,
	MARK_SOURCE_PORT = 9,
	MARK_TARGET_PORT = 10,
	MARK_INGRESS = 11,
	MARK_FIELDS = 12,
	/* Asks for the mark so far, or changes it. */
	MARK_TEST = 12,
	MARK_SET = 13,
};

/* One step of the program that the mark rules are compiled to; see marks.h. */
struct mark_step {
	__u32 low;
	__u32 span;
	/* Where it goes on; 0 is the end. */
	__u32 other;
	/* enum mark_field; of MARK_SET | rank << 8. */
	__u32 field;
};
ABI_ASSERT(sizeof(struct mark_step) == 16, "struct mark_step");

#endif

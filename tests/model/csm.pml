// SPDX-License-Identifier: BSD-3-Clause
/*
 * Locks and lifetimes of Confidential Shared Memory (docs/locking.md), for spin.
 *
 * Two realms. Each provides a region of one page and consumes the other's, so all that can be taken
 * in two orders is. Three CPUs: the REC of each realm, and the host. A fourth process is the
 * hardware of all CPUs, which walks tables whenever it likes and keeps what it found.
 *
 * Everything named [r] belongs to the sharing of realm r's region: its consumer is realm 1 - r.
 * Long commands are two calls with everything unlocked in between.
 *
 * Each DEFECT_... puts a defect in that the check must find; tests/model/Makefile tries them all.
 */
#define OTHER(r) (1 - (r))

mtype = { NONE, LIVE, IDLE, RESERVED, ATTACHED, DETACHING, DEAD };

/*
 * Locks. That of the RD is left out: it makes the host's commands on a realm one after the other,
 * and there is one host here. A table's lock is taken and dropped with nothing else in between, so
 * each of its sections is one step, or two where the order of its parts matters.
 */
bool csm_lock[2];

/* Realms. One that is in the index can be found and pinned; while pinned it is not freed. */
bool indexed[2] = true, alive[2] = true, apt[2] = true, stopped[2];
byte pins[2];

/* Records. Grant and attachment point at each other while linked. */
mtype region[2] = NONE, grant[2] = NONE, attachment[2] = NONE;
bool region_ending[2], grant_ending[2], sealed[2], linked[2];

/* Memory: the provider's page, what the consumer's entry says, and what the TLBs may say. */
#define UNMAPPED 0
#define READ     1
#define WRITE    2
bool page[2] = true;
byte entry[2], tlb[2], borrowers[2];

inline take(lock) { atomic { !lock -> lock = true } }

/* The CSM locks of both realms, or of `me` alone if the other is gone. */
inline take_both(me, both)
{
	atomic {
		if
		:: indexed[OTHER(me)] -> pins[OTHER(me)]++; both = true
		:: else -> both = false
		fi
	}
	if
	:: both ->
#ifdef DEFECT_ORDER
		take(csm_lock[me]);
		take(csm_lock[OTHER(me)])
#else
		take(csm_lock[0]);
		take(csm_lock[1])
#endif
	:: else ->
		take(csm_lock[me])
	fi
}

inline drop_both(me, both)
{
	atomic {
		csm_lock[me] = false;
		if
		:: both -> csm_lock[OTHER(me)] = false; pins[OTHER(me)]--
		:: else
		fi;
		both = false
	}
}

/* Consent of both sides, as it is asked for at ATTACH and at every page mapped later. */
#define CONSENTED(r) (region[r] == LIVE && !region_ending[r] && grant[r] == ATTACHED && \
		      !grant_ending[r] && linked[r])

/* Inside a step, with the provider's CSM lock, so that its page stays. */
inline map_page(r)
{
	assert(alive[OTHER(r)]);
	if
	:: page[r] && entry[r] == UNMAPPED ->
		entry[r] = (sealed[r] -> READ : WRITE);
		borrowers[r]++
	:: else
	fi
}

/* With either CSM lock while linked, so that the consumer's tables are there. */
inline unmap_page(r)
{
#ifdef DEFECT_TLB
	tlb[r] = UNMAPPED;
#endif
	atomic {
		assert(alive[OTHER(r)]);
		if
		:: entry[r] != UNMAPPED -> entry[r] = UNMAPPED; borrowers[r]--
		:: else
		fi
	}
#ifndef DEFECT_TLB
	tlb[r] = UNMAPPED
#endif
}

#define WITHDRAWN(r) (entry[r] == UNMAPPED && tlb[r] == UNMAPPED && borrowers[r] == 0)

/* Ends the grant of region r: with both locks, or not linked. */
inline end_grant(r, both)
{
	if
	:: linked[r] && grant[r] == ATTACHED -> assert(both); unmap_page(r)
	:: else
	fi;
	atomic {
		assert(WITHDRAWN(r) && (both || !linked[r]));
		if
		:: linked[r] && attachment[r] != DETACHING -> attachment[r] = DEAD
		:: else
		fi;
		linked[r] = false;
		grant[r] = NONE;
		grant_ending[r] = false
	}
}

/* Ends the attachment to region r, from the consumer's side. */
inline end_attachment(r, both)
{
	if
	:: linked[r] && grant[r] == ATTACHED -> assert(both); unmap_page(r)
	:: else
	fi;
	atomic {
		assert(WITHDRAWN(r) && (both || !linked[r]));
		if
		:: linked[r] -> grant[r] = IDLE
		:: else
		fi;
		linked[r] = false;
		attachment[r] = NONE
	}
}

inline create_and_share(me)
{
	atomic {
		!csm_lock[me] && apt[me];
		if
		:: region[me] == NONE -> region[me] = LIVE; sealed[me] = false
		:: region[me] == LIVE && !region_ending[me] && grant[me] == NONE ->
			grant[me] = IDLE
		:: else
		fi
	}
}

/* REVOKE or DESTROY. The first call makes sure that nobody gets in, the second ends it. */
inline revoke(me, both)
{
	atomic {
		!csm_lock[me] && grant[me] != NONE -> grant_ending[me] = true;
		if
		:: region[me] == LIVE -> region_ending[me] = true
		:: true
		fi
	}
	take_both(me, both);
	if
	:: grant_ending[me] -> end_grant(me, both)
	:: else
	fi;
	atomic {
		if
		:: region_ending[me] && grant[me] == NONE ->
			region[me] = NONE;
			region_ending[me] = false;
			sealed[me] = false
		:: else
		fi;
		assert(grant[me] != NONE || WITHDRAWN(me))
	}
	drop_both(me, both)
}

/* The provider's lock alone: what it unmaps is linked, so the consumer cannot be gone. */
inline seal(me)
{
	atomic {
		!csm_lock[me] && region[me] == LIVE && !region_ending[me] && !sealed[me] ->
		csm_lock[me] = true;
#ifndef DEFECT_SEAL
		sealed[me] = true
#endif
	}
	if
	:: linked[me] && grant[me] == ATTACHED -> unmap_page(me)
	:: else
	fi;
#ifdef DEFECT_SEAL
	csm_lock[me] = false;
	take(csm_lock[me]);
	sealed[me] = true;
#endif
	atomic {
		assert(entry[me] != WRITE && tlb[me] != WRITE);
		csm_lock[me] = false
	}
}

inline reserve_and_attach(me, both)
{
	take_both(me, both);
	atomic {
		if
		:: both && apt[me] && region[OTHER(me)] == LIVE && !region_ending[OTHER(me)] &&
		   grant[OTHER(me)] == IDLE && !grant_ending[OTHER(me)] &&
		   attachment[OTHER(me)] == NONE ->
			grant[OTHER(me)] = RESERVED;
			attachment[OTHER(me)] = RESERVED;
			linked[OTHER(me)] = true
		:: both && attachment[OTHER(me)] == RESERVED && linked[OTHER(me)] &&
		   grant[OTHER(me)] == RESERVED && !grant_ending[OTHER(me)] &&
		   region[OTHER(me)] == LIVE && !region_ending[OTHER(me)] ->
			grant[OTHER(me)] = ATTACHED;
			attachment[OTHER(me)] = ATTACHED;
			map_page(OTHER(me))
		:: else
		fi
	}
	drop_both(me, both)
}

inline detach(me, both)
{
	atomic {
		!csm_lock[me] && attachment[OTHER(me)] != NONE ->
		attachment[OTHER(me)] = DETACHING
	}
	take_both(me, both);
	if
	:: attachment[OTHER(me)] == DETACHING -> end_attachment(OTHER(me), both)
	:: else
	fi;
	assert(WITHDRAWN(OTHER(me)));
	drop_both(me, both)
}

/* The attachment is found with the own lock, and looked at again with both. */
inline fault(me, both)
{
	!csm_lock[me] && attachment[OTHER(me)] == ATTACHED;
	take_both(me, both);
	atomic {
		if
#ifdef DEFECT_RECHECK
		:: both -> map_page(OTHER(me))
#else
		:: both && attachment[OTHER(me)] == ATTACHED && CONSENTED(OTHER(me)) ->
			map_page(OTHER(me))
#endif
		:: else
		fi
	}
	drop_both(me, both)
}

proctype Rec(byte me)
{
	bool both;

end:	do
	:: create_and_share(me)
	:: revoke(me, both)
	:: seal(me)
	:: true -> reserve_and_attach(me, both)
	:: detach(me, both)
	:: fault(me, both)
	:: break
	od;
	stopped[me] = true
}

/* Unmap everywhere, invalidate, then release. */
inline data_destroy(r)
{
	atomic { !csm_lock[r] && page[r] -> csm_lock[r] = true; page[r] = false }
#ifndef DEFECT_RELEASE
	if
	:: linked[r] && grant[r] == ATTACHED -> unmap_page(r)
	:: else
	fi;
#endif
	atomic { assert(WITHDRAWN(r)); csm_lock[r] = false }
}

inline data_create(r)
{
	atomic {
		!csm_lock[r] && alive[r] && !page[r] -> page[r] = true;
		if
		:: CONSENTED(r) -> map_page(r)
		:: else
		fi
	}
}

/* Everything that is recorded in the granule, whatever state it is in. */
inline apt_destroy(r, both)
{
	apt[r];
	take_both(r, both);
	end_grant(r, both);
	atomic { region[r] = NONE; region_ending[r] = false; sealed[r] = false }
	if
	:: attachment[OTHER(r)] != NONE -> end_attachment(OTHER(r), both)
	:: else
	fi;
	atomic {
		apt[r] = false;
		assert(WITHDRAWN(r) && WITHDRAWN(OTHER(r)))
	}
	drop_both(r, both)
}

inline realm_destroy(r)
{
	atomic { indexed[r] && stopped[r] && !apt[r] && !page[r] -> indexed[r] = false }
#ifndef DEFECT_PIN
	pins[r] == 0;
#endif
	atomic { assert(!csm_lock[r] && pins[r] == 0); alive[r] = false }
}

proctype Host()
{
	bool both;

end:	do
	:: data_destroy(0)
	:: data_destroy(1)
	:: data_create(0)
	:: data_create(1)
	:: apt_destroy(0, both)
	:: apt_destroy(1, both)
	:: realm_destroy(0)
	:: realm_destroy(1)
	od
}

/*
 * Table walks of all CPUs. What they find is a page of a sharing that both sides still stand for;
 * that it is the right page needs no model, since there is one.
 */
#define WALK(r) atomic { \
		entry[r] != tlb[r] && entry[r] != UNMAPPED -> tlb[r] = entry[r]; \
		assert(linked[r] && grant[r] == ATTACHED && alive[OTHER(r)] && alive[r]) \
	}

proctype Hardware()
{
end:	do
	:: WALK(0)
	:: WALK(1)
	od
}

init
{
	atomic {
		run Rec(0);
		run Rec(1);
		run Host();
		run Hardware()
	}
}

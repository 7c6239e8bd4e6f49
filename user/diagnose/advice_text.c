// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The words of the advice, in the terms of each language. */
#include "advice.h"

#define OTHER  [BB_LANGUAGE_OTHER]
#define PYTHON [BB_LANGUAGE_PYTHON]
#define GO     [BB_LANGUAGE_GO]
#define JAVA   [BB_LANGUAGE_JAVA]
#define NODE   [BB_LANGUAGE_NODE]

/* Where a language has no words of its own, those of the first hold. */
static const struct {
	const char *text[BB_LANGUAGE_MAX];
	const char *cost[BB_LANGUAGE_MAX];
	const char *expect;
} words[BB_ADVICE_MAX] = {
	[BB_ADVICE_MEASURE_CHILDREN] = { { OTHER = "Measure it with its child processes: what they "
						   "do decides." },
					 { NULL },
					 "the verdict on all processes together" },
	[BB_ADVICE_MEASURE_PHASES] = { { OTHER = "Look at it over time before anything is changed: "
						 "several things limit it, at "
						 "once or in turns. A line a second shows which." },
				       { NULL },
				       "one verdict for each part, if it has phases" },
	[BB_ADVICE_PIPELINE] = { { OTHER = "Let the part that waits and the part that computes go "
					   "on side by side: a stage for each with a queue "
					   "between, and workers by what bounds it.",
				   PYTHON = "Make two stages of it, with a queue between: threads "
					    "or asyncio for the part that waits, a "
					    "ProcessPoolExecutor for the part that computes. "
					    "While one batch is fetched, the one before is "
					    "computed." },
				 { OTHER = "more is in flight at a time",
				   PYTHON = "what was fetched is pickled on its way to the other "
					    "processes, and more is in flight at a time" },
				 "one verdict for all of the time, of what then fills first" },
	[BB_ADVICE_MEASURE_LONGER] = { { OTHER = "Measure for longer before anything is changed: "
						 "the figures do not carry a "
						 "change." },
				       { NULL },
				       "the same verdict, with more confidence" },
	[BB_ADVICE_MEASURE_STACKS] = { { OTHER = "Look in which code threads wait before anything "
						 "is changed: what they wait "
						 "for could not be told from outside." },
				       { NULL },
				       "the stacks of the longest waits" },
	[BB_ADVICE_NOTHING] = { { OTHER = "Nothing to change: it keeps up with what there is to "
					  "do." },
				{ NULL },
				"" },
	[BB_ADVICE_RELEASE_GIL] = { { OTHER = "Let that call go without the GIL: it blocks with "
					      "it, and every other Python "
					      "thread stands still. With ctypes: CDLL, and not "
					      "PyDLL; in an extension: "
					      "Py_BEGIN_ALLOW_THREADS around the call, or report "
					      "it; until then call it in a "
					      "process of its own." },
				    { NULL },
				    "the finding gil-held-while-blocking is gone" },
	[BB_ADVICE_OFF_THE_LOOP] = { { OTHER = "Move the blocking call off the event loop: to a "
					       "thread, or to a call that does "
					       "not block.",
				       PYTHON = "Move the blocking call off the event loop: await "
						"asyncio.to_thread(f), or an "
						"async library in its place (asyncio.sleep(), an "
						"async client).",
				       NODE = "Use the asynchronous form of that call "
					      "(fs.promises, child_process.spawn), not "
					      "the one that ends in Sync.",
				       JAVA = "Do not block the event loop's thread: hand the call "
					      "to an executor of its own." },
				     { NULL },
				     "the finding blocking-call-in-event-loop is gone, and the "
				     "loop's lag is short" },
	[BB_ADVICE_COMPUTE_OFF_THE_LOOP] = { { OTHER = "Move the computing off the event loop's "
						       "thread: to another thread or process, "
						       "or do it in parts.",
					       PYTHON = "Move the computing off the event loop: "
							"loop.run_in_executor() with a "
							"ProcessPoolExecutor (a thread would need "
							"the GIL), or do it in parts with "
							"await asyncio.sleep(0) in between.",
					       NODE = "Move the computing to worker_threads, or do "
						      "it in parts with setImmediate()." },
					     { PYTHON = "arguments and results are pickled" },
					     "the finding cpu-in-event-loop is gone, and the "
					     "loop's lag is short" },
	[BB_ADVICE_MORE_PERMITS] = { { OTHER = "If what is behind the semaphore takes more at "
					       "once, give it more permits; if "
					       "not, fewer threads do the same." },
				     { OTHER = "what is behind it is used more at once" },
				     "the finding semaphore-limit is gone, or fewer threads wait "
				     "there" },
	[BB_ADVICE_MORE_WORKERS] = { { OTHER = "Give the pool more workers: each of them mostly "
					       "waits.",
				       PYTHON = "Give the pool more workers (max_workers): each of "
						"them mostly waits. For "
						"hundreds of tasks at once asyncio costs less." },
				     { OTHER = "8 to 50 KB touched for each thread, as guides "
					       "say" },
				     "the finding pool-starved is gone" },
	[BB_ADVICE_FEWER_WORKERS] = { { OTHER = "Make the pool smaller: threads beyond the CPUs to "
						"run them only queue, threads "
						"beyond the work only wait.",
					PYTHON = "Make the pool smaller (max_workers): threads "
						 "beyond the CPUs to run them only "
						 "queue, threads beyond the work only wait." },
				      { OTHER = "a rush of work waits longer for a free worker" },
				      "the finding too-many-workers is gone" },
	[BB_ADVICE_LARGER_TASKS] = { { OTHER = "Hand over more at a time: batches of items for "
					       "each task.",
				       PYTHON = "Hand over more at a time: map(f, items, "
						"chunksize=1000), or tasks that take a "
						"list; if all of it is little work, do it without "
						"a pool." },
				     { OTHER = "results come in batches, and the last batches end "
					       "at different times" },
				     "the finding tiny-tasks is gone, and the workers compute" },
	[BB_ADVICE_THREADS_FOR_IO] = { { OTHER = "Use threads for tasks that wait, in one process.",
					 PYTHON = "Use a ThreadPoolExecutor in place of the "
						  "processes, or asyncio where the "
						  "libraries allow: the GIL is let go of while a "
						  "task waits." },
				       { OTHER = "one process has one GIL: what the tasks compute "
						 "shares it" },
				       "io-bound as before, in one process with less memory" },
	[BB_ADVICE_PROCESSES] = { { OTHER = "Compute in processes, one for each usable CPU: each "
					    "has a GIL of its own. In "
					    "Python: concurrent.futures.ProcessPoolExecutor, or "
					    "multiprocessing.Pool." },
				  { OTHER = "arguments and results are pickled, and nothing is "
					    "shared; to start one takes "
					    "2 to 50 ms, as guides say" },
				  "cpu-saturated, with all usable CPUs in use" },
	[BB_ADVICE_FREE_THREADED] = { { OTHER = "Or run the same threads on a free-threaded build "
						"(3.13t and later): it has no "
						"GIL." },
				      { OTHER = "one thread alone is slower, and each extension "
						"module must support it" },
				      "cpu-saturated with the GIL off, or lock-bound on a lock of "
				      "the program's" },
	[BB_ADVICE_SPLIT_WORK] = { { OTHER = "Split the work over threads, one for each usable CPU "
					     "(OpenMP, a thread pool): "
					     "one at a time computes, and CPUs are free.",
				     PYTHON = "Split the work over processes "
					      "(ProcessPoolExecutor), one for each usable CPU: "
					      "one thread at a time computes, and CPUs are free. "
					      "Threads would share the GIL, "
					      "but for C code that lets go of it (NumPy, hashlib, "
					      "zlib).",
				     GO = "Split the work over goroutines (errgroup, a worker for "
					  "each of GOMAXPROCS); if it "
					  "is split already, look for a mutex that serialises it: "
					  "its own profile of mutexes "
					  "tells (runtime.SetMutexProfileFraction).",
				     JAVA = "Split the work over threads: an ExecutorService or "
					    "parallel streams; if it is "
					    "split already, look for a lock that serialises it.",
				     NODE = "Split the work over worker_threads or cluster: one "
					    "thread runs all JavaScript." },
				   { OTHER = "what cannot be split keeps its time; little work "
					     "costs more to split than it "
					     "gains",
				     PYTHON = "arguments and results are pickled; little work "
					      "costs more to split than it "
					      "gains" },
				   "more CPUs in use, up to cpu-saturated" },
	[BB_ADVICE_HOLD_LESS] = { { OTHER = "Hold the lock for less, or split it: one for each "
					    "part of the data, a copy for "
					    "each thread that is joined at the end, or a queue to "
					    "one owner.",
				    JAVA = "Hold the lock for less, or split it: "
					   "ConcurrentHashMap, LongAdder, a lock for each "
					   "part of the data.",
				    GO = "Hold the mutex for less, or split it: sync.Map, atomic "
					 "counters, a mutex for each "
					 "part, or a channel to one owner." },
				  { OTHER = "more locks are more ways to deadlock" },
				  "that lock is no more the most contended, and more CPUs are in "
				  "use" },
	[BB_ADVICE_WAIT_OUTSIDE] = { { OTHER = "Move what its holder waits for out of the lock: "
					       "who has it is blocked for most of "
					       "that time." },
				     { OTHER = "what is read outside of the lock may have changed "
					       "inside" },
				     "that lock is no more the most contended" },
	[BB_ADVICE_STOP_LESS] = { { OTHER = "Stop the world less often: fewer cyclic objects, "
					    "gc.freeze(), a higher "
					    "gc.set_threshold(); no fork(), tracing or class "
					    "changes in the threads." },
				  { OTHER = "garbage in cycles stays for longer" },
				  "fewer and shorter stops of the world" },
	[BB_ADVICE_LIFT_QUOTA] = { { OTHER = "Raise the CPU quota of its cgroup (cpu.max, a "
					     "container's CPU limit), or use no "
					     "more threads than it allows: more workers would only "
					     "be throttled." },
				   { OTHER = "others on the machine get less" },
				   "no throttled time" },
	[BB_ADVICE_UNPIN] = { { OTHER = "Let it use more CPUs (taskset, cpuset, a container's CPU "
					"set): it may use fewer "
					"than the machine has. Processes or threads alone will not "
					"help." },
			      { OTHER = "others on the machine get less" },
			      "more usable CPUs, and more of them in use" },
	[BB_ADVICE_FEWER_OR_CPUS] = { { OTHER = "Give it more CPUs, or make the code faster: more "
						"threads or processes only queue. "
						"As many workers as usable CPUs do the same." },
				      { NULL },
				      "fewer threads queueing for a CPU" },
	[BB_ADVICE_FASTER_CODE] = { { OTHER = "Make the code faster: it may use one CPU, so "
					      "neither threads nor processes help.",
				      PYTHON = "Make the code faster (a profile, NumPy, a better "
					       "algorithm): it may use one CPU, "
					       "so neither threads nor processes help." },
				    { NULL },
				    "" },
	[BB_ADVICE_AT_ONCE] = { { OTHER = "Wait for several things at once: threads, or "
					  "asynchronous I/O.",
				  PYTHON = "Wait for several things at once: a ThreadPoolExecutor "
					   "is simplest for up to 50 or "
					   "so; asyncio.gather() with an async library for more.",
				  GO = "Wait for several things at once: a goroutine for each.",
				  JAVA = "Wait for several things at once: an ExecutorService, "
					 "virtual threads, or "
					 "CompletableFuture.allOf().",
				  NODE = "Wait for several things at once: Promise.all() in place "
					 "of one await after the "
					 "other." },
				{ OTHER = "the other side gets more requests at once" },
				"io-bound, with more threads or tasks waiting at a time" },
	[BB_ADVICE_ASYNCIO] = { { OTHER = "Wait with an event loop (epoll, io_uring) in place of a "
					  "thread for each.",
				  PYTHON = "Wait with asyncio in place of a thread for each: a "
					   "task takes a few KB, and no "
					   "switch of threads.",
				  JAVA = "Wait with virtual threads, or asynchronous I/O, in place "
					 "of a thread for each." },
				{ OTHER = "the code, and its libraries, have to be asynchronous" },
				"io-bound, with few threads" },
	[BB_ADVICE_FASTER_IO] = { { OTHER = "Make what it waits for faster, or ask for less of it "
					    "(batches, a cache); more at "
					    "once helps as far as the other side takes it." },
				  { NULL },
				  "less time in those waits" },
};

static const char *one_of(const char *const *list, enum bb_language lang)
{
	if (list[lang])
		return list[lang];
	return list[BB_LANGUAGE_OTHER] ? list[BB_LANGUAGE_OTHER] : "";
}

const char *bb_advice__text(enum bb_advice_id id, enum bb_language lang)
{
	return one_of(words[id].text, lang);
}

const char *bb_advice__cost(enum bb_advice_id id, enum bb_language lang)
{
	return one_of(words[id].cost, lang);
}

const char *bb_advice__expect(enum bb_advice_id id)
{
	return words[id].expect;
}

const char *bb_advice__name(enum bb_advice_id id)
{
	static const char *const names[BB_ADVICE_MAX] = {
#define X(id, name) [BB_ADVICE_##id] = name,
		BB_ADVICES(X)
#undef X
	};

	return (unsigned int)id < BB_ADVICE_MAX ? names[id] : "unknown";
}

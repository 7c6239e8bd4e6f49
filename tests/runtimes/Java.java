// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.Selector;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A Java program of known truth.
 *
 * <pre>
 *	Java idle           waits for clients, with a pool of eight threads
 *	Java serial         one thread computes
 *	Java compute        four threads compute
 *	Java garbage        one thread makes garbage, of which the collector has most work
 *	Java net PORT       eight threads each ask a server and wait for its answer
 *	Java synchronized   three monitors, each for two threads, once a byte has come; prints how
 *	                    long they were waited for
 *	Java reentrant      the same with ReentrantLock
 *	Java contended      four threads compute, each under one monitor
 *	Java parked         the same with one ReentrantLock
 *	Java pingpong       two threads hand an item to each other: no lock, the same wake-ups
 * </pre>
 */
public class Java {
	static final int LOCKS = 3;
	static final int WARM_UP = 10;
	static final int ROUNDS = 40;
	static volatile long sink;

	interface Body {
		void run() throws Exception;
	}

	static Thread start(String name, Body body) {
		Thread t = new Thread(() -> {
			try {
				body.run();
			} catch (Exception e) {
				e.printStackTrace();
				System.exit(1);
			}
		}, name);
		t.start();
		return t;
	}

	static void compute() {
		for (long n = 0;; n++)
			sink = n * n;
	}

	/** Lists of a million links: much to follow, and to copy. */
	static void makeGarbage() {
		while (true) {
			Object[] list = null;
			for (int i = 0; i < 1000000; i++)
				list = new Object[] { list };
			sink = list.length;
		}
	}

	static void ask(int port) throws Exception {
		try (Socket s = new Socket("127.0.0.1", port)) {
			OutputStream to = s.getOutputStream();
			InputStream from = s.getInputStream();
			do
				to.write(0);
			while (from.read() >= 0);
		}
	}

	/** Waits by epoll, which is neither computing nor a futex. */
	static void pause(Selector by, long ms) throws Exception {
		by.select(ms);
	}

	/** A lock, and how long it was waited for. */
	static class Timed {
		long waited, waits;
		final ReentrantLock lock = new ReentrantLock();

		/** Only who has it writes. */
		void count(long from) {
			long ns = System.nanoTime() - from;
			if (ns > 50000) {
				waited += ns;
				waits++;
			}
		}

		void useMonitor(Selector by, long hold) throws Exception {
			long from = System.nanoTime();
			synchronized (this) {
				count(from);
				pause(by, hold);
			}
			pause(by, hold / 4);
		}

		void useReentrant(Selector by, long hold) throws Exception {
			long from = System.nanoTime();
			lock.lock();
			try {
				count(from);
				pause(by, hold);
			} finally {
				lock.unlock();
			}
			pause(by, hold / 4);
		}

		/** What a thread waits for as it starts, for classes and compilers, is not counted. */
		void use(boolean monitor, long hold) throws Exception {
			Selector by = Selector.open();
			for (int i = -WARM_UP; i < ROUNDS; i++) {
				if (i == 0) {
					warm.incrementAndGet();
					while (!begun)
						pause(by, 10);
				}
				if (monitor)
					useMonitor(by, hold);
				else
					useReentrant(by, hold);
			}
			done.incrementAndGet();
			while (true)
				pause(by, 1000);
		}
	}

	static final AtomicInteger warm = new AtomicInteger(), done = new AtomicInteger();
	static volatile boolean begun;

	static void awaitAll(AtomicInteger n) throws Exception {
		while (n.get() < 2 * LOCKS)
			Thread.sleep(10);
	}

	static void useLocks(boolean monitors) throws Exception {
		Timed[] locks = new Timed[LOCKS];

		for (int i = 0; i < LOCKS; i++) {
			Timed t = locks[i] = new Timed();
			long hold = (i + 1) * 8;
			start("lock-" + i, () -> t.use(monitors, hold));
			start("lock-" + i, () -> t.use(monitors, hold));
		}
		awaitAll(warm);
		for (Timed t : locks)
			t.waited = t.waits = 0;
		System.out.println("ready");
		System.in.read();
		begun = true;
		awaitAll(done);
		for (int i = 0; i < LOCKS; i++)
			System.out.printf("{\"lock\": %d, \"wait_ns\": %d, \"waits\": %d}%n", i,
					  locks[i].waited, locks[i].waits);
	}

	static void underOne(Object lock) {
		while (true)
			synchronized (lock) {
				for (long from = System.nanoTime(); System.nanoTime() - from < 5000000;)
					;
			}
	}

	static void underOther(ReentrantLock lock) {
		while (true) {
			lock.lock();
			for (long from = System.nanoTime(); System.nanoTime() - from < 5000000;)
				;
			lock.unlock();
		}
	}

	static void handOver(SynchronousQueue<Integer> in, SynchronousQueue<Integer> out)
		throws Exception {
		while (true) {
			int n = in.take();
			for (long from = System.nanoTime(); System.nanoTime() - from < 5000000;)
				;
			out.put(n + 1);
		}
	}

	public static void main(String[] args) throws Exception {
		switch (args[0]) {
		case "idle":
			ExecutorService pool = Executors.newFixedThreadPool(8);
			for (int i = 0; i < 8; i++)
				pool.submit(() -> { sink++; });
			start("acceptor", () -> new ServerSocket(0).accept());
			break;
		case "serial":
			start("computes", Java::compute);
			break;
		case "compute":
			for (int i = 0; i < 4; i++)
				start("computes", Java::compute);
			break;
		case "garbage":
			start("allocates", Java::makeGarbage);
			break;
		case "net":
			int port = Integer.parseInt(args[1]);
			for (int i = 0; i < 8; i++)
				start("asks", () -> ask(port));
			break;
		case "synchronized":
		case "reentrant":
			useLocks(args[0].equals("synchronized"));
			return;
		case "contended":
			Object lock = new Object();
			for (int i = 0; i < 4; i++)
				start("contends", () -> underOne(lock));
			break;
		case "parked":
			ReentrantLock other = new ReentrantLock();
			for (int i = 0; i < 4; i++)
				start("contends", () -> underOther(other));
			break;
		case "pingpong":
			SynchronousQueue<Integer> a = new SynchronousQueue<>(), b = new SynchronousQueue<>();
			start("hands-on", () -> handOver(a, b));
			start("hands-on", () -> handOver(b, a));
			a.put(0);
			break;
		default:
			System.exit(2);
		}
		System.out.println("ready");
	}
}

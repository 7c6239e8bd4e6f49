// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/**
 * Eight threads that do all their work inside one synchronized method; with an
 * argument they also sleep in it for so many milliseconds, as for a slow device.
 */
public class JavaLock {
	private long total;

	private synchronized void work(long pause) throws InterruptedException {
		for (int i = 0; i < 50_000; i++)
			total += (long)i * i ^ total;
		if (pause > 0)
			Thread.sleep(pause);
	}

	public static void main(String[] args) {
		JavaLock shared = new JavaLock();
		long pause = args.length > 0 ? Long.parseLong(args[0]) : 0;

		for (int i = 0; i < 8; i++)
			new Thread(() -> {
				try {
					while (true)
						shared.work(pause);
				} catch (InterruptedException e) {
					Thread.currentThread().interrupt();
				}
			}, "worker-" + i).start();
	}
}

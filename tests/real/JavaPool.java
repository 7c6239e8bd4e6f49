// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A pool of eight threads that gets a trifle to do twice a second. */
public class JavaPool {
	public static void main(String[] args) throws InterruptedException {
		ExecutorService pool = Executors.newFixedThreadPool(8);

		while (true) {
			pool.submit(() -> Math.sqrt(System.nanoTime()));
			Thread.sleep(500);
		}
	}
}

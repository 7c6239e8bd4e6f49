// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

import java.util.stream.LongStream;

/** Parallel streams that compute, for ever. */
public class JavaParallel {
	static double work(long n) {
		double x = n;
		for (int i = 0; i < 200; i++)
			x = Math.sqrt(x * x + i);
		return x;
	}

	public static void main(String[] args) {
		double sum = 0;
		while (true)
			sum += LongStream.range(0, 1_000_000).parallel()
				.mapToDouble(JavaParallel::work).sum();
	}
}

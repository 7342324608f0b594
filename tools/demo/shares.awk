# SPDX-License-Identifier: GPL-2.0
#
# From the lines rates.awk prints for both phases to the table and the verdict, for two
# who share a device, HEAVY and LIGHT: users or cgroups, which is their KIND.
# A rate is the mean over the part of a phase in which both run, without its first
# SETTLE seconds and its last one. Fails unless the ratio with dm-ioband is
# within TOLERANCE % of the ratio of the weights.
# FILE gets what picture.gnuplot must know beside the CSV.
# Usage: awk -v block=CHARACTER -v picture_file=FILE -v kind=KIND -v heavy=HEAVY -v light=LIGHT
#            -v unit=UNIT -v digits=N -v settle=SETTLE -v tolerance=TOLERANCE
#            [-v leaves_at=SECOND] [-v load=WORDS] -f shares.awk demo.csv
# SECOND is when the heavy one stops, if that is not where its rates end.

function die(sentence) {
	print "tools/demo/run: " sentence > "/dev/stderr"
	failed = 1
	exit 1
}

function bar(n,    s) {
	while (n-- > 0.5)
		s = s block
	return s
}

function name_line(phase, name, weight,    rate) {
	rate = mean[phase, name]
	printf "  %s %s  %-10s  " rate_format " %s  %3.0f %%  %s\n", kind, name, weight, rate, unit,
	       100 * rate / total[phase], bar(40 * rate / total[phase])
}

function phase_lines(phase, title, heavy_weight, light_weight) {
	print title (load ? ", " load : "")
	name_line(phase, heavy, heavy_weight)
	name_line(phase, light, light_weight)
}

BEGIN {
	FS = ","
	asked = 4.0
	rate_format = "%5." digits "f"
}

FNR == 1 { next }	# column names

{
	n++
	if ($4 + 0 > most)
		most = $4 + 0
	phase_of[n] = $1; at[n] = $2; name_of[n] = $3; rates[n] = $4
	if ($3 == heavy) {
		if (!($1 in joins))
			joins[$1] = $2
		leaves[$1] = leaves_at == "" ? $2 : leaves_at
	}
}

END {
	if (failed)
		exit 1
	for (i = 1; i <= n; i++) {
		p = phase_of[i]
		if (at[i] < joins[p] + settle || at[i] > leaves[p] - 1)
			continue
		sum[p, name_of[i]] += rates[i]
		samples[p, name_of[i]]++
	}
	split("without with", phases, " ")
	for (i = 1; i <= 2; i++) {
		p = phases[i]
		for (j = 1; j <= 2; j++) {
			name = j == 1 ? heavy : light
			if (samples[p, name] < 10)
				die("there are too few samples of " kind " " name " " p " dm-ioband")
			mean[p, name] = sum[p, name] / samples[p, name]
			if (!mean[p, name])
				die(kind " " name " was not served at all " p " dm-ioband")
		}
		total[p] = mean[p, heavy] + mean[p, light]
		ratio[p] = mean[p, heavy] / mean[p, light]
		printf "%s_joins = %.3f\n%s_leaves = %.3f\n", p, joins[p], p, leaves[p] > picture_file
	}
	printf "device_rate = %.1f\nmost_rate = %.1f\n", total["without"], most > picture_file

	print ""
	phase_lines("without", "Without dm-ioband", "", "")
	printf "  ratio %.2f\n\n", ratio["without"]
	phase_lines("with", "With dm-ioband", "weight 400", "weight 100")
	printf "  ratio %.2f, asked for %.2f; ", ratio["with"], asked
	printf "the device does %.1f %% of its rate without dm-ioband\n\n", 100 * total["with"] / total["without"]

	if (ratio["with"] < (1 - tolerance / 100) * asked || ratio["with"] > (1 + tolerance / 100) * asked)
		die(sprintf("the ratio with dm-ioband is %.2f, more than %d %% from %.2f", ratio["with"], tolerance, asked))
}

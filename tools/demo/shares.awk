# SPDX-License-Identifier: GPL-2.0
#
# From the lines rates.awk prints for both phases to the table and the verdict.
# A rate is the mean over the part of a phase in which both users run, without its
# first second and its last. Fails unless the ratio with dm-ioband is
# within 5 % of the ratio of the weights.
# FILE gets what picture.gnuplot must know beside the CSV.
# Usage: awk -v block=CHARACTER -v picture_file=FILE -f shares.awk demo.csv

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

function user_line(phase, user, weight,    rate) {
	rate = mean[phase, user]
	printf "  user %d  %-10s  %5.0f requests/s  %3.0f %%  %s\n", user, weight, rate,
	       100 * rate / total[phase], bar(40 * rate / total[phase])
}

function phase_lines(phase, title, heavy_weight, light_weight) {
	print title
	user_line(phase, 1000, heavy_weight)
	user_line(phase, 2000, light_weight)
}

BEGIN { FS = ","; asked = 4.0 }

FNR == 1 { next }	# column names

{
	n++
	if ($4 > most)
		most = $4
	phase_of[n] = $1; at[n] = $2; user_of[n] = $3; iops[n] = $4
	if ($3 == 1000) {
		if (!($1 in joins))
			joins[$1] = $2
		leaves[$1] = $2
	}
}

END {
	if (failed)
		exit 1
	for (i = 1; i <= n; i++) {
		p = phase_of[i]
		if (at[i] < joins[p] + 1 || at[i] > leaves[p] - 1)
			continue
		sum[p, user_of[i]] += iops[i]
		samples[p, user_of[i]]++
	}
	split("without with", phases, " ")
	for (i = 1; i <= 2; i++) {
		p = phases[i]
		for (user = 1000; user <= 2000; user += 1000) {
			if (samples[p, user] < 10)
				die("fio left too few samples of user " user " " p " dm-ioband")
			mean[p, user] = sum[p, user] / samples[p, user]
			if (!mean[p, user])
				die("user " user " was not served at all " p " dm-ioband")
		}
		total[p] = mean[p, 1000] + mean[p, 2000]
		ratio[p] = mean[p, 1000] / mean[p, 2000]
		printf "%s_joins = %.3f\n%s_leaves = %.3f\n", p, joins[p], p, leaves[p] > picture_file
	}
	printf "device_iops = %.1f\nmost_iops = %.1f\n", total["without"], most > picture_file

	print ""
	phase_lines("without", "Without dm-ioband", "", "")
	printf "  ratio %.2f\n\n", ratio["without"]
	phase_lines("with", "With dm-ioband", "weight 400", "weight 100")
	printf "  ratio %.2f, asked for %.2f; ", ratio["with"], asked
	printf "the device does %.1f %% of its rate without dm-ioband\n\n", 100 * total["with"] / total["without"]

	if (ratio["with"] < 0.95 * asked || ratio["with"] > 1.05 * asked)
		die(sprintf("the ratio with dm-ioband is %.2f, more than 5 %% from %.2f", ratio["with"], asked))
}

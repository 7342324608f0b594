# SPDX-License-Identifier: GPL-2.0
#
# A table in Markdown for each question: a line for each stack, a column for each metric; in the
# lines of dm-ioband the goals, and whether they are met. Fails unless all are.
# Usage: awk -f tables.awk QUESTIONS goals.csv results.csv; QUESTIONS has lines of name, question and
# what is in the way of goals that are missed, between tabs

function title_of(stack) {
	if (stack in titles)
		return titles[stack]
	return stack
}

# add LIST KEY: to the end of that list, once
function add(list, key) {
	if ((list, key) in listed)
		return
	lists[list] = lists[list] (list in lists && lists[list] != "" ? "\t" : "") key
	listed[list, key]
}

function members(list, array) {
	return split(lists[list], array, "\t")
}

function figure(value) {
	if (value !~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/)
		return value
	if (value == int(value) || value >= 1000 || value <= -1000)
		return sprintf("%.0f", value)
	return sprintf(value >= 100 || value <= -100 ? "%.1f" : "%.2f", value)
}

# miss QUESTION TEXT: a goal is not met
function miss(q, text) {
	missed[++n_missed] = text
	missed_of[n_missed] = q
}

# value_of GOAL QUESTION VARIANT METRIC: a number, or one that is FACTOR*STACK
function value_of(text, q, v, m,    words) {
	if (split(text, words, "*") == 1)
		return text
	return words[1] * results[q, v, words[2], m]
}

# cell QUESTION VARIANT STACK METRIC: the figure, and what it should be if there are goals
function cell(q, v, s, m,    key, i, n, words, all_met, value, limit, text, aims) {
	key = q SUBSEP v SUBSEP s SUBSEP m
	value = key in results ? results[key] : "-"
	text = figure(value)
	if (!(key in goals))
		return text
	checked[key]
	all_met = 1
	n = split(goals[key], words, " ")
	for (i = 1; i < n; i += 2) {
		limit = value_of(words[i + 1], q, v, m)
		aims = aims (i > 1 ? ", " : "") words[i] " " figure(limit)
		n_goals++
		if (value ~ /^-?[0-9.]+/ && (words[i] == "<=" ? value + 0 <= limit + 0 : value + 0 >= limit + 0))
			continue
		all_met = 0
		miss(q, sprintf("%s, %s, %s: %s is %s, to reach %s %s", q, v, title_of(s), m, text, words[i], figure(limit)))
	}
	return sprintf("%s (%s: %s)", text, aims, all_met ? "met" : "NOT MET")
}

function print_table(q,    variants, stacks, metrics, nv, ns, nm, i, j, k, rows, width, line, cells, heads, dashes) {
	nv = members("variants" SUBSEP q, variants)
	nm = members("metrics" SUBSEP q, metrics)
	rows = 1
	cells[1, 1] = "variant"
	cells[1, 2] = "stack"
	for (k = 1; k <= nm; k++) {
		heads = metrics[k]
		gsub(/_/, " ", heads)
		cells[1, k + 2] = heads (units[q, metrics[k]] != "" ? ", " units[q, metrics[k]] : "")
	}
	for (i = 1; i <= nv; i++) {
		ns = members("stacks" SUBSEP q SUBSEP variants[i], stacks)
		for (j = 1; j <= ns; j++) {
			rows++
			cells[rows, 1] = j == 1 ? variants[i] : ""
			cells[rows, 2] = title_of(stacks[j])
			for (k = 1; k <= nm; k++)
				cells[rows, k + 2] = cell(q, variants[i], stacks[j], metrics[k])
		}
	}
	for (i = 1; i <= rows; i++)
		for (k = 1; k <= nm + 2; k++)
			if (length(cells[i, k]) > width[k])
				width[k] = length(cells[i, k])
	for (i = 1; i <= rows; i++) {
		line = "|"
		for (k = 1; k <= nm + 2; k++)
			line = line sprintf(" %-" width[k] "s |", cells[i, k])
		print line
		if (i > 1)
			continue
		line = "|"
		for (k = 1; k <= nm + 2; k++) {
			dashes = sprintf("%" (width[k] + 2) "s", "")
			gsub(/ /, "-", dashes)
			line = line dashes "|"
		}
		print line
	}
}

BEGIN {
	FS = ","
	titles["bare"] = "bare device"
	titles["linear"] = "dm-linear"
	titles["ioband"] = "**dm-ioband**"
	titles["ioband-none"] = "**dm-ioband**, type none"
	titles["ioband-user"] = "**dm-ioband**, type user"
	titles["ioband-cgroup"] = "**dm-ioband**, type cgroup"
	titles["bfq"] = "BFQ"
	titles["tracked"] = "**bio-cgroup**"
	titles["counted"] = "**bio-cgroup**, dirty pages counted"
	titles["untracked"] = "cgroup_disable=bio"
}

FNR == 1 { file++ }

file == 1 {
	split($0, words, "\t")
	question[words[1]] = words[2]
	in_the_way[words[1]] = words[3]
	next
}

FNR == 1 { next }	# column names

file == 2 {
	key = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4
	if (!(key in goals))
		all_goals[++n_all] = key
	goals[key] = goals[key] $5 " " $6 " "
	next
}

{
	results[$1, $2, $3, $4] = $5
	units[$1, $4] = $6
	add("questions", $1)
	add("variants" SUBSEP $1, $2)
	add("metrics" SUBSEP $1, $4)
	add("stacks" SUBSEP $1 SUBSEP $2, $3)
}

END {
	n = members("questions", questions)
	for (i = 1; i <= n; i++) {
		print "## " questions[i]
		print ""
		print question[questions[i]]
		print ""
		print_table(questions[i])
		print ""
	}
	# a goal for which there is no figure at all
	for (i = 1; i <= n_all; i++)
		if (!(all_goals[i] in checked)) {
			n_goals++
			split(all_goals[i], words, SUBSEP)
			miss(words[1], words[1] ", " words[2] ", " title_of(words[3]) ": no figure for " words[4])
		}
	printf "%d of %d goals met\n", n_goals - n_missed, n_goals
	if (n_missed)
		print ""
	for (i = 1; i <= n_missed; i++) {
		print "- NOT MET: " missed[i]
		if (in_the_way[missed_of[i]] != "" && (i == n_missed || missed_of[i + 1] != missed_of[i])) {
			print ""
			print "  Why: " in_the_way[missed_of[i]]
			if (i < n_missed)
				print ""
		}
	}
	exit n_missed > 0 || n_goals == 0
}

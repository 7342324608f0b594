# SPDX-License-Identifier: GPL-2.0
#
# Draws the demo's second part: who wrote what, without and with bio-cgroup.
# Usage: gnuplot -c owners.gnuplot MIB OUTPUT
# MIB comes from owners.awk; OUTPUT ends in .svg or .png.

mib_of = ARG1
output = ARG2
load mib_of

ink = "#24292f"
faint = "#6e7781"
colour_a = "#0969da"
colour_b = "#d9730d"
colour_others = "#b6bec7"

if (output[strlen(output) - 3:] eq ".svg") {
	set terminal svg size 1040,440 font "DejaVu Sans,Verdana,sans-serif,14" fontscale 1.3 background "#ffffff"
} else {
	# twice the pixels of the SVG, for dense screens; its fonts are in points, the SVG's in pixels
	set terminal pngcairo size 2080,880 font "DejaVu Sans,14" fontscale 2 linewidth 2 background "#ffffff"
}
set output output

counts = "wrote without with"
workloads = "own_files one_file vfat"
titles = "'ext4, a file each' 'ext4, one file, by turns' 'vfat, a file each'"
most = wrote_own_files_a + wrote_own_files_b

set xrange [0.45:3.55]
set yrange [0:1.09 * most]
set xtics ("written" 1, "without\nbio-cgroup" 2, "with\nbio-cgroup" 3) nomirror scale 0 textcolor rgb ink font ",12"
set ytics 0,20 nomirror scale 0 textcolor rgb ink
set grid ytics linetype 1 linewidth 0.6 linecolor rgb "#e4e8ec"
set border 1 linewidth 1 linecolor rgb "#8c959f"
unset key

set multiplot
set lmargin 0; set rmargin 0; set tmargin 0; set bmargin 0
set label 1 sprintf("Two cgroups write %.0f and %.0f MiB. Who wrote it, according to the kernel?", \
		    wrote_own_files_a, wrote_own_files_b) \
	at screen 0.068,0.945 font ",18" textcolor rgb ink

# A segment of a bar is an object, its words a label; both are numbered, to be replaced
# in the next panel
do for [panel = 1:3] {
	workload = word(workloads, panel)
	set lmargin at screen 0.068 + 0.315 * (panel - 1)
	set rmargin at screen 0.068 + 0.315 * (panel - 1) + 0.295
	set tmargin at screen 0.80
	set bmargin at screen 0.155
	set label 2 word(titles, panel) at graph 0,1.075 font ",15" textcolor rgb faint
	if (panel == 1) {
		set ylabel "MiB" textcolor rgb faint offset 1.2,0
	} else {
		unset ylabel
		unset label 1
		set format y ""
	}
	do for [bar = 1:3] {
		base = 0.0
		do for [segment = 1:3] {
			name = word("a b others", segment)
			height = value(sprintf("%s_%s_%s", word(counts, bar), workload, name))
			id = 10 * bar + segment
			set object id rectangle from bar - 0.4,base to bar + 0.4,base + height \
				fillcolor rgb (segment == 1 ? colour_a : segment == 2 ? colour_b : colour_others) \
				fillstyle solid 1.0 noborder
			# what is too low for a word is named by its colour alone
			words = height < 0.06 * most ? "" : sprintf(segment == 3 ? "%s:\n%.0f" : "%s: %.0f", name, height)
			set label id words at bar,base + height / 2 center front font ",12" \
				textcolor rgb (segment == 3 ? ink : "#ffffff")
			base = base + height
		}
	}
	plot -1 linecolor rgb "#ffffff"
}
unset multiplot

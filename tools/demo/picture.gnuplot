# SPDX-License-Identifier: GPL-2.0
#
# Draws the rates of two who share a device over time, without and with dm-ioband.
# Usage: gnuplot -c picture.gnuplot WORDS CSV SHARES OUTPUT
# WORDS is one of *-words.gnuplot, CSV comes from rates.awk, SHARES from shares.awk;
# OUTPUT ends in .svg or .png.

words_file = ARG1
csv = ARG2
shares = ARG3
output = ARG4
load words_file
load shares

device = megabytes(device_rate)

ink = "#24292f"
faint = "#6e7781"
heavy = "#0969da"
light = "#d9730d"
heavy_pale = "#dbe9f9"
light_pale = "#fae9da"

if (output[strlen(output) - 3:] eq ".svg") {
	set terminal svg size 1040,440 font "DejaVu Sans,Verdana,sans-serif,14" fontscale 1.3 background "#ffffff"
} else {
	# twice the pixels of the SVG, for dense screens; its fonts are in points, the SVG's in pixels
	set terminal pngcairo size 2080,880 font "DejaVu Sans,14" fontscale 2 linewidth 2 dashlength 2 background "#ffffff"
}
set output output
set datafile separator ","

# one's curve of one phase
rows(phase, name) = sprintf("< awk -F, '$1 == \"%s\" && $3 == \"%s\"' '%s'", phase, name, csv)

top = headroom * megabytes(most_rate > device_rate ? most_rate : device_rate)
set xrange [0:seconds + 0.4]
set yrange [0:top]
set xtics 0,2,seconds nomirror scale 0.5 textcolor rgb ink
set ytics 0,megabytes_step nomirror scale 0 textcolor rgb ink
set grid ytics linetype 1 linewidth 0.6 linecolor rgb "#e4e8ec"
set border 1 linewidth 1 linecolor rgb "#8c959f"
set style fill solid 1.0 noborder
unset key
set xlabel "seconds" textcolor rgb faint offset 0,0.4

set multiplot
set lmargin 0; set rmargin 0; set tmargin 0; set bmargin 0

do for [panel = 1:2] {
	phase = panel == 1 ? "without" : "with"
	left = panel == 1 ? 0.068 : 0.560
	set lmargin at screen left
	set rmargin at screen left + 0.425
	set tmargin at screen 0.80
	set bmargin at screen 0.135

	unset label
	unset arrow
	both_from = value(phase . "_joins")
	both_to = value(phase . "_leaves")
	if (panel == 1) {
		set label title at screen 0.068,0.945 font ",18" textcolor rgb ink
		set ylabel "MB/s" textcolor rgb faint offset 1.2,0
	} else {
		unset ylabel
	}
	set label (phase eq "without" ? "without dm-ioband" : "with dm-ioband, weights 400 : 100") \
		at graph 0,1.075 font ",15" textcolor rgb faint

	# what each should get while both run
	shares_asked = phase eq "without" ? "0.5" : "0.8 0.2"
	do for [share in shares_asked] {
		y = device * real(share)
		set arrow from both_from,y to both_to,y nohead front dashtype (4,4) linewidth 1.2 linecolor rgb ink
		set label sprintf("%.0f %%", 100 * real(share)) at both_to + percent_behind,y front textcolor rgb ink font ",12"
	}
	weights = phase eq "with" ? "', weight 400' ', weight 100'" : "'' ''"
	heights = phase eq "with" ? heights_with : heights_without
	set label heavy_title . word(weights, 1) at names_at,device * real(word(heights, 1)) center front textcolor rgb heavy
	set label light_title . word(weights, 2) at names_at,device * real(word(heights, 2)) center front textcolor rgb light

	plot rows(phase, heavy_name) using 2:(megabytes($4)) with filledcurves y=0 linecolor rgb heavy_pale, \
	     rows(phase, light_name) using 2:(megabytes($4)) with filledcurves y=0 linecolor rgb light_pale, \
	     rows(phase, light_name) using 2:(megabytes($4)) with lines linewidth 2.4 linecolor rgb light, \
	     rows(phase, heavy_name) using 2:(megabytes($4)) with lines linewidth 2.4 linecolor rgb heavy
}
unset multiplot

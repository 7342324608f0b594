# SPDX-License-Identifier: GPL-2.0
#
# Draws a bar for each stack, in a cluster for each variant, its figure above it.
# Usage: gnuplot -c bars.gnuplot BARS LABEL linear|log OUTPUT
# BARS comes from bars.awk; OUTPUT ends in .svg or .png.

bars = ARG1
label = ARG2
scale = ARG3
output = ARG4

ink = "#24292f"
faint = "#6e7781"
# dm-ioband in blue, what it is compared with in other colours
colour(name) = strstrt(name, "type none") ? "#9ec3f0" : strstrt(name, "type user") ? "#5c9ce5" : \
	strstrt(name, "ioband") ? "#0969da" : name eq "iocost" ? "#d9730d" : name eq "BFQ" ? "#8250df" : \
	name eq "dm-linear" ? "#8c959f" : "#b6bec7"

if (output[strlen(output) - 3:] eq ".svg") {
	set terminal svg size 1040,440 font "DejaVu Sans,Verdana,sans-serif,14" fontscale 1.1 background "#ffffff"
} else {
	# twice the pixels of the SVG, for dense screens; its fonts are in points, the SVG's in pixels
	set terminal pngcairo size 2080,880 font "DejaVu Sans,14" fontscale 1.7 linewidth 2 background "#ffffff"
}
set termoption noenhanced
set output output
set datafile separator "\t"
set datafile missing "?"

stacks = int(system(sprintf("head -n 1 '%s' | tr -cd '\t' | wc -c", bars)))
variants = int(system(sprintf("wc -l < '%s'", bars))) - 1
set style data boxes
set style fill solid 1.0 noborder
set boxwidth 0.9 / (stacks + 1)
set xrange [-0.6:variants - 0.4]
set border 1 linewidth 1 linecolor rgb "#8c959f"
set xtics nomirror scale 0 textcolor rgb ink
set ytics nomirror scale 0 textcolor rgb ink
set grid ytics linetype 1 linewidth 0.6 linecolor rgb "#e4e8ec"
set ylabel label textcolor rgb faint
set key above left horizontal textcolor rgb ink
set offsets 0,0,graph 0.12,0
set yrange [*<0:*]
least = 0
if (scale eq " log" || scale eq "log") {
	set logscale y
	set yrange [0.01:*]
	least = 0.01
}

name(i) = system(sprintf("head -n 1 '%s' | cut -f %d", bars, i + 1))
place(row, i) = row + (i - (stacks + 1) / 2.0) / (stacks + 1)
height(v) = v < least ? least * 1.1 : v
figure(v) = abs(v) >= 100 ? sprintf("%.0f", v) : abs(v) >= 10 ? sprintf("%.1f", v) : sprintf("%.2f", v)
plot bars skip 1 using ($0):(NaN):xticlabels(1) with points notitle, \
     for [i = 1:stacks] bars skip 1 using (place($0, i)):(height(column(i + 1))) \
		linecolor rgb colour(name(i)) title name(i), \
     for [i = 1:stacks] bars skip 1 using (place($0, i)):(height(column(i + 1))):(figure(column(i + 1))) \
		with labels offset 0,0.6 font ",10" textcolor rgb faint notitle

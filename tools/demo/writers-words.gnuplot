# SPDX-License-Identifier: GPL-2.0
#
# What picture.gnuplot has to know of the demo's third part.

title = "One disk, two cgroups: both write through the page cache, a for 14 seconds"
seconds = 20
megabytes(rate) = rate
megabytes_step = 10
headroom = 1.18
percent_behind = 2.6	# seconds behind the heavy one's end: what it has left in memory is written then
heavy_name = "a"
light_name = "b"
heavy_title = "cgroup a"
light_title = "cgroup b"
# where the names are: second, and heights as parts of the device's rate, the heavy one's first
names_at = 7
heights_without = "0.86 0.15"
heights_with = "1.10 0.38"

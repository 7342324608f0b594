# SPDX-License-Identifier: GPL-2.0
#
# What picture.gnuplot has to know of the demo's first part.

title = "One disk, two users: both read as fast as they can, user 1000 for 10 seconds"
seconds = 14
megabytes(iops) = iops * 4096e-6
megabytes_step = 1
headroom = 1.13
percent_behind = 0.45	# seconds behind the heavy one's end
heavy_name = "1000"
light_name = "2000"
heavy_title = "user 1000"
light_title = "user 2000"
# where the names are: second, and heights as parts of the device's rate, the heavy one's first
names_at = 5
heights_without = "0.60 0.40"
heights_with = "0.88 0.28"

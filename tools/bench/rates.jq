# SPDX-License-Identifier: GPL-2.0
#
# From fio's output as JSON, which has counts of all jobs at two times and then its result, to a
# line for each job: name, I/Os and KiB a second between the two, mean and 99th percentile of the
# latency in ms (of its reads, if it has any).
# Usage: jq -r -s -f rates.jq FILE

# both directions of what PATH finds in a job
def both(path): (.read | path) + (.write | path);

if length != 3 then error("\(length - 1) counts instead of 2") else . end
| . as [$first, $second, $result]
| (($second.timestamp_ms - $first.timestamp_ms) / 1000) as $seconds
| range($result.jobs | length)
| $first.jobs[.] as $before
| $second.jobs[.] as $after
| $result.jobs[.] as $job
| (if $job.read.total_ios > 0 then $job.read else $job.write end) as $way
| [(($after | both(.total_ios)) - ($before | both(.total_ios))) / $seconds,
   (($after | both(.io_bytes)) - ($before | both(.io_bytes))) / 1024 / $seconds,
   $way.lat_ns.mean / 1e6, ($way.clat_ns.percentile["99.000000"] // 0) / 1e6]
| map(. * 1000 | round / 1000) as $figures
| "\($job.jobname) \($figures | map(tostring) | join(" "))"

#!/bin/bash
# One shard per array task; afterwards, on any machine that sees the folders:
#   grade -C COURSE merge runs/shard-* --to runs/all
#SBATCH --job-name=grade
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --mem=2G
#SBATCH --time=01:00:00
set -euo pipefail
: "${COURSE:?the course folder}" "${SLUG:?the exercise}" "${SUBMISSIONS:?a folder or zip}"
grade -C "$COURSE" batch "$SLUG" "$SUBMISSIONS" --to "runs/shard-$SLURM_ARRAY_TASK_ID" --resume \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" -j "$SLURM_CPUS_PER_TASK"

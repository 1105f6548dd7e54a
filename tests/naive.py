"""Slow, obvious twins of what the engine computes cleverly. Loops on purpose: nobody has to believe them."""

import math
from itertools import pairwise

import numpy as np


def roc_auc(scores, labels):
    """The share of pairs (anomaly, normal row) in the right order; a tie counts half."""
    anomalies = [s for s, y in zip(scores, labels, strict=True) if y == 1]
    normal = [s for s, y in zip(scores, labels, strict=True) if y == 0]
    won = sum((a > n) + 0.5 * (a == n) for a in anomalies for n in normal)
    return won / (len(anomalies) * len(normal))


def average_precision(scores, labels):
    """The mean, over the anomalies, of the precision when everything scored as high as it is flagged."""
    total = 0.0
    for s, y in zip(scores, labels, strict=True):
        if y == 1:
            flagged = [other for score, other in zip(scores, labels, strict=True) if score >= s]
            total += sum(flagged) / len(flagged)
    return total / sum(labels)


def confusion(scores, labels, threshold):
    """True and false positives, false and true negatives, where flagged means strictly above."""
    counts = {(flag, y): 0 for flag in (True, False) for y in (0, 1)}
    for s, y in zip(scores, labels, strict=True):
        counts[bool(s > threshold), int(y)] += 1
    return counts[True, 1], counts[True, 0], counts[False, 1], counts[False, 0]


def f1(scores, labels, threshold):
    """Harmonic mean of precision and recall."""
    tp, fp, fn, _ = confusion(scores, labels, threshold)
    return 2 * tp / (2 * tp + fp + fn)


def best_f1(scores, labels):
    """The best F1 of all thresholds that make a difference."""
    return max(f1(scores, labels, t) for t in [-math.inf, *scores])


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def mad_threshold(values, k):
    """Median + k robust standard deviations."""
    center = median(values)
    return center + k * 1.4826 * median([abs(v - center) for v in values])


def budget_flags(scores, count):
    """The rows that have fewer than ``count`` rows at or above them, themselves counted."""
    return [sum(other >= s for other in scores) <= count for s in scores]


def mean_distance_to_others(row, others, k):
    """Mean distance to the k nearest of the other rows."""
    distances = sorted(math.dist(row, other) for other in others)
    return sum(distances[:k]) / k


def window_features(readings, length):
    """What a channel did in the window that ends at each reading; None before a full one or at a missing reading."""
    features = []
    for end in range(len(readings)):
        window = list(readings[max(0, end - length + 1) : end + 1])
        if len(window) < length or math.isnan(window[-1]):
            features.append(None)
            continue
        known = [v for v in window if not math.isnan(v)]
        previous = known[0]
        for i, value in enumerate(window):  # a missing reading counts as the one before it
            window[i] = previous = previous if math.isnan(value) else value
        level = sum(window) / length
        steps = [b - a for a, b in pairwise(window)]
        features.append(
            {
                "level": level,
                "spread": math.sqrt(sum((v - level) ** 2 for v in window) / length),
                "range": max(window) - min(window),
                "jump": steps[-1],
                "roughness": sum(map(abs, steps)) / len(steps),
                "offset": window[-1] - level,
                "trend": window[-1] - window[0],
            }
        )
    return features


def rarity(level, training):
    """``-log`` of the share of a level among the training cells; one never seen counts as half a row."""
    seen = sum(other == level for other in training)
    return -math.log(seen / len(training)) if seen else -math.log(0.5 / (len(training) + 1))


def ablation(score, row, typical, groups):
    """Per group: the mean of how far the score falls without it and how far it lifts a typical row alone."""
    contributions = []
    for group in range(max(groups) + 1):
        inside = np.array([g == group for g in groups])
        fall = score(row) - score(np.where(inside, typical, row))
        rise = score(np.where(inside, row, typical)) - score(typical)
        contributions.append((max(fall, 0.0) + max(rise, 0.0)) / 2)
    return contributions


def scaled_cells(rows, groups, limit):
    """Numbers at mean 0 and deviation 1, held within a limit; cells of a category as they are; 0 where missing.

    A column of several cells counts as a category here.
    """
    scaled = [[0.0] * len(groups) for _ in rows]
    for cell, group in enumerate(groups):
        known = [row[cell] for row in rows if not math.isnan(row[cell])]
        mean = sum(known) / len(known)
        deviation = math.sqrt(sum((v - mean) ** 2 for v in known) / len(known))
        for row, target in zip(rows, scaled, strict=True):
            if math.isnan(row[cell]):
                continue
            if groups.count(group) > 1:
                target[cell] = row[cell]
            else:
                target[cell] = max(-limit, min(limit, (row[cell] - mean) / deviation))
    return scaled


def cell_errors(guess, values):
    """Errors of a number, a category of three levels and a number: squared, -log of the softmax, squared."""
    total = sum(math.exp(g) for g in guess[1:4])
    likelihood = math.exp(guess[1:4][values[1:4].index(1)]) / total
    return [(guess[0] - values[0]) ** 2, -math.log(likelihood), (guess[4] - values[4]) ** 2]


def apart(rows: list[list[float]], kept: list[list[float]], nearest: int) -> list[list[float]]:
    """Squared differences of each row from its nearest kept rows, the mean of these, column by column."""
    found = []
    for row in rows:
        differences = [[(a - b) ** 2 for a, b in zip(row, other, strict=True)] for other in kept]
        closest = sorted(differences, key=sum)[:nearest]
        found.append([sum(column) / len(closest) for column in zip(*closest, strict=True)])
    return found


def vus(scores, labels, window, thresholds=250):
    """VUS-ROC and VUS-PR of a series without gaps, one width, one threshold and one reading at a time."""
    n = len(scores)
    judged = [i for i in range(n) if math.isfinite(scores[i]) and math.isfinite(labels[i])]
    events = []
    for i in range(n):
        if labels[i] == 1 and (i == 0 or labels[i - 1] != 1):
            events.append([i, i])
        elif labels[i] == 1:
            events[-1][1] = i
    events = [event for event in events if any(event[0] <= i <= event[1] for i in judged)]
    falling = sorted((scores[i] for i in judged), reverse=True)
    lines = [falling[int(k * (len(judged) - 1) / (thresholds - 1))] for k in range(thresholds)]
    areas = [_range_aware_areas(scores, judged, events, width, lines) for width in range(window + 1)]
    return tuple(sum(values) / (window + 1) for values in zip(*areas, strict=True))


def _range_aware_areas(scores, judged, events, width, lines):
    reach = width // 2
    soft = dict.fromkeys(judged, 0.0)
    zones = []
    for start, end in events:
        for i in judged:
            distance = max(start - i, i - end, 0)
            if distance <= reach:
                soft[i] = min(1.0, soft[i] + (math.sqrt(1 - distance / width) if distance else 1.0))
        if zones and start - reach <= zones[-1][1]:
            zones[-1][1] = end + reach
        else:
            zones.append([start - reach, end + reach])
    hard = [i for i in judged if any(start <= i <= end for start, end in events)]
    previous, roc, pr = (0.0, 0.0), 0.0, 0.0
    for line in lines:
        flagged = [i for i in judged if scores[i] >= line]
        caught = sum(soft[i] for i in flagged)
        positives = len(hard) + sum(soft[i] for i in flagged if i not in hard) / 2
        touched = sum(any(a <= i <= b for i in flagged) for a, b in zones) / len(zones)
        recall = min(caught / positives, 1.0) * touched
        false = (len(flagged) - caught) / (len(judged) - positives)
        roc += (false - previous[0]) * (recall + previous[1]) / 2
        pr += (recall - previous[1]) * caught / len(flagged)
        previous = (false, recall)
    return roc + (1 - previous[0]) * (1 + previous[1]) / 2, pr


def affiliation(flagged, events, zones, step=1 / 16):
    """Precision and recall of each event by sums over a fine grid, whose steps hold every kink of what is summed."""
    precisions, recalls = [], []
    for (start, stop), (low, high) in zip(events, zones, strict=True):
        grid = np.arange(low + step / 2, high, step)
        marked = np.array([any(a < x < b for a, b in flagged) for x in grid])
        edges = [x for a, b in flagged for x in (max(a, low), min(b, high)) if a < high and b > low]

        def chance(distance, first, last, low=low, high=high):
            """That a reading drawn from the zone lies at least so far from first to last."""
            near = min(last + distance, high) - max(first - distance, low)
            return 1 - near / (high - low) if distance else 1.0

        worths = [chance(max(start - x, x - stop, 0), start, stop) for x in grid[marked]]
        precisions.append(np.mean(worths) if worths else np.nan)
        found = [
            chance(0 if m else min((abs(x - e) for e in edges), default=high - low), x, x)
            for x, m in zip(grid, marked, strict=True)
            if start < x < stop
        ]
        recalls.append(np.mean(found))
    return precisions, recalls


def events(flags, scores, bridge):
    """Flagged readings, one after the other; with at most ``bridge`` others between them they are one event."""
    found = []
    for row in [row for row, flag in enumerate(flags) if flag]:
        if not found or row - found[-1]["end"] - 1 > bridge:
            found.append({"start": row, "end": row, "peak": row, "score": scores[row], "flagged": 0})
        last = found[-1]
        if scores[row] > last["score"]:
            last |= {"peak": row, "score": scores[row]}
        last |= {"end": row, "flagged": last["flagged"] + 1}
    return found


def thinned(x, y, stretches):
    """The first row at which each equal stretch of ``x`` is lowest and highest, and both ends of the line."""
    kept = {0, len(y) - 1}
    for number in range(stretches):
        low = x[0] + (x[-1] - x[0]) * number / stretches
        high = x[0] + (x[-1] - x[0]) * (number + 1) / stretches
        last = number == stretches - 1
        rows = [row for row in range(len(x)) if low <= x[row] and (last or x[row] < high)]
        known = [row for row in rows if not math.isnan(y[row])] or rows[:1]
        kept |= {min(known, key=lambda row: y[row]), max(known, key=lambda row: y[row])} if known else set()
    return sorted(kept)


def ranks(values):
    """The mean place of a value among all, from 1: places of equal values are shared."""
    return [sum(v < value for v in values) + (sum(v == value for v in values) + 1) / 2 for value in values]


def correlation(one, other):
    """Pearson's correlation of two lists, by its definition."""
    a, b = sum(one) / len(one), sum(other) / len(other)
    together = sum((x - a) * (y - b) for x, y in zip(one, other, strict=True))
    return together / math.sqrt(sum((x - a) ** 2 for x in one) * sum((y - b) ** 2 for y in other))


def kendall(one, other):
    """Tau-b: pairs in the same order less pairs in the other, over what ties leave possible."""
    pairs = [(i, j) for i in range(len(one)) for j in range(i)]
    signs = [(np.sign(one[i] - one[j]), np.sign(other[i] - other[j])) for i, j in pairs]
    possible = math.sqrt(sum(a != 0 for a, _ in signs) * sum(b != 0 for _, b in signs))
    return sum(a * b for a, b in signs) / possible


def top_overlap(one, other, k):
    """How many places of two tops of ``k`` are filled by the same rows; rows tied at the line fill a part each."""

    def part(scores, row):
        above = sum(s > scores[row] for s in scores)
        tied = sum(s == scores[row] for s in scores)
        return min(max((k - above) / tied, 0), 1)

    return sum(min(part(one, row), part(other, row)) for row in range(len(one))) / k


def conformal_p_values(scores, reference):
    """For each score the share of reference scores at least as high, the score itself counted among them."""
    return [(1 + sum(r >= s for r in reference)) / (len(reference) + 1) for s in scores]


def step_up(p_values, q):
    """Which p-values are rejected by Benjamini and Hochberg (1995); NaN never is."""
    known = sorted(p for p in p_values if not math.isnan(p))
    passed = [p for rank, p in enumerate(known, 1) if p <= q * rank / len(known)]
    return [bool(passed) and p <= passed[-1] for p in p_values]


def mcc(scores, labels, threshold):
    """Matthews correlation of flags and labels; 0 where one of them does not vary."""
    tp, fp, fn, tn = confusion(scores, labels, threshold)
    size = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return (tp * tn - fp * fn) / size if size else 0.0


def cost(scores, labels, threshold, miss, false_alarm=1.0):
    """What misses and false alarms cost, a row on average."""
    _, fp, fn, _ = confusion(scores, labels, threshold)
    return (miss * fn + false_alarm * fp) / len(labels)


def lowest_cost(scores, labels, miss):
    """The lowest cost of all thresholds that make a difference."""
    return min(cost(scores, labels, t, miss) for t in [-math.inf, *scores])

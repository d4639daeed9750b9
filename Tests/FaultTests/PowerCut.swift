import LinuxSystem

/// A moment at which the power fails, and what the disk has made of it.
///
/// A disk has kept what it was given before the begin of the last flush that has ended. Of everything else it has kept anything: some writes,
/// in any choice, and of a long one perhaps only its beginning. The moment lies as late as it can, just before the next flush ends:
/// by then the most was promised to others.
struct PowerCut {
    /// The records that are on disk for certain: all before this one.
    var certain: Int
    /// The records that may be on disk, some flushes among them.
    var loose: Range<Int>
    /// When, in nanoseconds of CLOCK_REALTIME: what was acknowledged before it has to be there.
    var time: Int64
    /// How many of 256 loose writes are kept; none at all leaves the disk as it was at the flush.
    var kept: UInt8 = 0
    var seed: UInt64 = 0

    static let sectorSize = 4096

    /// Every moment between two flushes of a log.
    ///
    /// - Parameters:
    ///   - first: the first record of interest.
    ///   - end: when the log ends.
    static func all(in log: DiskLog, from first: Int, end: Int64) -> [PowerCut] {
        var cuts: [PowerCut] = []
        var certain = first
        var begun: [Int64: Int] = [:]
        for index in first..<log.records.count {
            let record = log.records[index]
            if record.kind == .flushBegins { begun[record.offset] = index }
            guard record.kind == .flushEnds, let begin = begun[record.offset], begin > certain else { continue }
            // A flush that has nothing to do promises nothing new: the moment is only later.
            guard log.records[certain..<begin].contains(where: \.isChange) else { continue }
            cuts.append(PowerCut(certain: certain, loose: certain..<index, time: record.time))
            certain = begin
        }
        cuts.append(PowerCut(certain: certain, loose: certain..<log.records.count, time: end))
        return cuts
    }

    /// Some of them, spread over the whole log, in order; every other one at a moment at which rows were committed, if there are such. One
    /// of three leaves the disk as it was at the flush.
    static func choose(
        _ count: Int, of all: [PowerCut], commits: [Int64], _ generator: inout SeededGenerator
    ) -> [PowerCut] {
        let fruitful = all.indices.filter { index in
            let begin = index == 0 ? 0 : all[index - 1].time
            return commits.contains { $0 > begin && $0 <= all[index].time }
        }
        var chosen: [(Int, PowerCut)] = []
        for number in 0..<count {
            let pool = number % 2 == 0 || fruitful.isEmpty ? Array(all.indices) : fruitful
            let place = (Double(number) + .random(in: 0..<1, using: &generator)) / Double(count)
            let index = pool[min(pool.count - 1, Int(place * Double(pool.count)))]
            var cut = all[index]
            cut.seed = generator.next()
            if number % 3 != 0 { cut.kept = [32, 128, 224].randomElement(using: &generator) ?? 128 }
            chosen.append((index, cut))
        }
        return chosen.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// Applies what the disk has kept of the loose writes.
    func applyLoose(of log: DiskLog, to image: Descriptor) throws {
        var generator = SeededGenerator(seed: seed)
        for index in loose where log.records[index].isChange {
            guard UInt8.random(in: 0...255, using: &generator) < kept else { continue }
            let sectors = log.records[index].length / Self.sectorSize
            let isTorn = sectors > 1 && Int.random(in: 0..<3, using: &generator) == 0
            let length = isTorn ? Int.random(in: 1..<sectors, using: &generator) * Self.sectorSize : nil
            try log.apply(index, to: image, length: length)
        }
    }
}

extension PowerCut: CustomStringConvertible {
    var description: String {
        "record \(certain), \(loose.count) behind it, \(kept) of 256 kept, seed \(seed), \(WallClock.rfc3339(nanoseconds: time))"
    }
}

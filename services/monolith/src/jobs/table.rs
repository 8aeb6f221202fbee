use crate::say;

/// Lines of columns that stand below each other.
pub(super) struct Table<const COLUMNS: usize> {
    lines: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(super) fn new(head: [&str; COLUMNS]) -> Self {
        Self { lines: vec![head.map(str::to_owned)] }
    }

    pub(super) fn add(&mut self, line: [String; COLUMNS]) {
        self.lines.push(line);
    }

    pub(super) fn say(&self) -> anyhow::Result<()> {
        self.rendered().iter().try_for_each(|line| say(line))
    }

    fn rendered(&self) -> Vec<String> {
        let width = |column: usize| {
            self.lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
        };
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        let render = |line: &[String; COLUMNS]| {
            let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.lines.iter().map(render).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(["KIND", "N"]);
        table.add(["prefs.erase_user".to_owned(), "1".to_owned()]);
        table.add(["ä".to_owned(), String::new()]);
        assert_eq!(table.rendered(), ["KIND              N", "prefs.erase_user  1", "ä"]);
    }
}

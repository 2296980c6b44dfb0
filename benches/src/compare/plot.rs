//! A row as bars, in SVG.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::report::{Cell, RowReport};
use crate::markdown::figure;
use crate::subjects;

const WIDTH: u32 = 400;
const BAR: i32 = 20;
const NAME: i32 = 150;
const FIGURE: i32 = 100;

/// Colours that stand out from white and from black. Texts take the page's colour.
const OURS: RGBColor = RGBColor(0xE0, 0x6C, 0x1F);
const PEER: RGBColor = RGBColor(0x5B, 0x8D, 0xB8);
const WRONG: RGBColor = RGBColor(0x99, 0x99, 0x99);

/// One bar a map, its length the figure, and beside it the figure and the ratio.
///
/// # Errors
///
/// If plotters has one.
pub(super) fn bars(row: &RowReport) -> Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    let height = BAR * i32::try_from(row.cells.len())? + 4;
    {
        let area =
            SVGBackend::with_string(&mut svg, (WIDTH, height.unsigned_abs())).into_drawing_area();
        let longest = row.cells.iter().map(|cell| cell.median).fold(0.0, f64::max);
        for (cell, top) in row.cells.iter().zip((2..).step_by(20)) {
            bar(&area, cell, top, longest)?;
        }
        area.present()?;
    }
    Ok(svg)
}

type Area<'s> = DrawingArea<SVGBackend<'s>, plotters::coord::Shift>;

fn bar(area: &Area, cell: &Cell, top: i32, longest: f64) -> Result<(), Box<dyn Error>> {
    let room = i32::try_from(WIDTH)? - NAME - FIGURE;
    let length = pixels(cell.median, longest, room);
    let colour = match cell.wrong {
        1.. => WRONG,
        0 if cell.subject.starts_with(subjects::OURS) => OURS,
        0 => PEER,
    };
    let middle = top + BAR / 2;
    let text = |anchor| {
        TextStyle::from(("sans-serif", 13)).pos(Pos::new(anchor, VPos::Center)).color(&BLACK)
    };
    let corners = [(NAME, top + 3), (NAME + length, top + BAR - 3)];
    area.draw(&Rectangle::new(corners, colour.filled()))?;
    area.draw(&Text::new(cell.subject, (NAME - 6, middle), text(HPos::Right)))?;
    let beside = (NAME + length + 6, middle);
    area.draw(&Text::new(label(cell), beside, text(HPos::Left)))?;
    Ok(())
}

fn label(cell: &Cell) -> String {
    let wrong = if cell.wrong > 0 { " !" } else { "" };
    match cell.ratio {
        Some(ratio) => format!("{} ({ratio:.2}){wrong}", figure(cell.median)),
        None => format!("{}{wrong}", figure(cell.median)),
    }
}

/// `value` of `longest` in pixels of `room`, by halving: at least one pixel.
fn pixels(value: f64, longest: f64, room: i32) -> i32 {
    let fits = |length: i32| f64::from(length) * longest <= value * f64::from(room);
    let (mut low, mut high) = (1, room);
    while low < high {
        let middle = (low + high + 1) / 2;
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::of;
    use super::*;

    #[test]
    fn lengths_are_in_proportion() {
        assert_eq!(pixels(100.0, 100.0, 150), 150);
        assert_eq!(pixels(50.0, 100.0, 150), 75);
        assert_eq!(pixels(0.0, 100.0, 150), 1);
    }

    #[test]
    fn every_map_has_a_bar() {
        let svg = bars(&of(&[("ours", 100.0, 0), ("scc", 250.0, 1)]).rows[0]).unwrap();
        assert_eq!(svg.matches("<rect").count(), 2, "{svg}");
        assert!(svg.contains("250 (2.50) !"), "{svg}");
    }
}

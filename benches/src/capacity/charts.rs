//! Curves, in SVG.

use std::error::Error;

use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

/// Colours that stand out from white and from black. Texts take the page's colour.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0xE0, 0x6C, 0x1F),
    RGBColor(0x5B, 0x8D, 0xB8),
    RGBColor(0x6A, 0xA8, 0x4F),
    RGBColor(0xA6, 0x7C, 0xC4),
    RGBColor(0xC9, 0xA2, 0x27),
    RGBColor(0xC0, 0x50, 0x60),
];
const GREY: RGBColor = RGBColor(0x99, 0x99, 0x99);

/// As wide as a phone shows without making letters small.
const SIZE: (u32, u32) = (360, 270);

/// A curve of a chart.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Its points. Those that are no numbers are left out.
    pub points: Vec<(f64, f64)>,
    /// Whether each point is marked.
    pub marked: bool,
}

/// What a chart has beside its lines.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// What is to the right.
    pub x: &'static str,
    /// What is upwards.
    pub y: &'static str,
    /// Whether what is upwards is on a logarithmic scale. Values of zero lie on its floor then.
    pub log: bool,
    /// Horizontal lines: the target, with its name.
    pub level: Option<(f64, String)>,
    /// Vertical lines: what is recommended, with its name.
    pub mark: Option<(f64, String)>,
    /// Whether the lines rise, so that the legend goes where they do not.
    pub rises: bool,
    /// What the numbers to the right are called, where they are no plain ones.
    pub ticks: Option<fn(&f64) -> String>,
}

/// Draws lines into a frame.
///
/// # Errors
///
/// If plotters has one.
pub fn chart(frame: &Frame, lines: &[Line]) -> Result<String, Box<dyn Error>> {
    let (mut right, mut top) = (f64::MIN, 0.0_f64);
    let (mut left, mut floor) = (f64::MAX, f64::MAX);
    for (x, y) in lines.iter().flat_map(|line| &line.points) {
        if x.is_finite() && y.is_finite() {
            (left, right, top) = (left.min(*x), right.max(*x), top.max(*y));
            floor = if *y > 0.0 { floor.min(*y) } else { floor };
        }
    }
    if right < left || top <= 0.0 {
        return Ok("<p>Nobody waits.</p>".into());
    }
    if let Some((level, _)) = &frame.level {
        top = top.max(*level);
        floor = floor.min(*level);
    }
    if right - left < 1e-9 {
        right = left + 1.0;
    }
    let mut svg = String::new();
    if frame.log {
        // Four decades at most: what is below is as good as nothing.
        let floor = floor.max(top / 1e4);
        let up = (floor * 0.8..top * 1.3).log_scale();
        draw(&mut svg, frame, lines, (left, right), up, floor)?;
    } else {
        draw(&mut svg, frame, lines, (left, right), 0.0..top * 1.08, 0.0)?;
    }
    Ok(svg)
}

fn draw<Y>(
    svg: &mut String,
    frame: &Frame,
    lines: &[Line],
    (left, right): (f64, f64),
    up: Y,
    floor: f64,
) -> Result<(), Box<dyn Error>>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .margin_right(16)
        .x_label_area_size(38)
        .y_label_area_size(50)
        .build_cartesian_2d(left..right, up)?;
    mesh(&mut chart, frame)?;
    let seen = |line: &Line| {
        let seen = line.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite());
        seen.map(|(x, y)| (*x, y.max(floor))).collect::<Vec<_>>()
    };
    if let Some((level, name)) = &frame.level {
        dashes(&mut chart, name, [(left, *level), (right, *level)])?;
    }
    if let Some((mark, name)) = &frame.mark {
        let top = lines.iter().flat_map(seen).map(|point| point.1).fold(floor, f64::max);
        dashes(&mut chart, name, [(*mark, floor), (*mark, top)])?;
    }
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        curve(&mut chart, &line.name, seen(line), *colour, line.marked)?;
    }
    legend(&mut chart, frame)?;
    area.present()?;
    Ok(())
}

type Chart<'c, 's, Y> = ChartContext<'c, SVGBackend<'s>, Cartesian2d<RangedCoordf64, Y>>;

/// The axes, their names and numbers.
fn mesh<Y>(chart: &mut Chart<Y>, frame: &Frame) -> Result<(), Box<dyn Error>>
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let plain = |value: &f64| number(*value);
    let named = |value: &f64| frame.ticks.map_or_else(|| number(*value), |name| name(value));
    chart
        .configure_mesh()
        .x_desc(frame.x)
        .y_desc(frame.y)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&named)
        .y_label_formatter(&plain)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 13))
        .axis_style(GREY)
        .bold_line_style(GREY.mix(0.35))
        .light_line_style(TRANSPARENT)
        .draw()?;
    Ok(())
}

fn dashes<Y: Ranged<ValueType = f64>>(
    chart: &mut Chart<Y>,
    name: &str,
    ends: [(f64, f64); 2],
) -> Result<(), Box<dyn Error>> {
    let drawn = chart.draw_series(DashedLineSeries::new(ends, 5, 4, GREY.stroke_width(2)))?;
    drawn.label(name).legend(key(GREY));
    Ok(())
}

fn curve<Y: Ranged<ValueType = f64>>(
    chart: &mut Chart<Y>,
    name: &str,
    points: Vec<(f64, f64)>,
    colour: RGBColor,
    marked: bool,
) -> Result<(), Box<dyn Error>> {
    if marked {
        chart.draw_series(points.iter().map(|at| Circle::new(*at, 3, colour.filled())))?;
    }
    let drawn = chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
    drawn.label(name).legend(key(colour));
    Ok(())
}

/// What stands for a line in the legend.
fn key(colour: RGBColor) -> impl Fn((i32, i32)) -> PathElement<(i32, i32)> {
    move |(x, y)| PathElement::new([(x, y), (x + 14, y)], colour.stroke_width(3))
}

fn legend<'s: 'c, 'c, Y: Ranged<ValueType = f64>>(
    chart: &mut Chart<'c, 's, Y>,
    frame: &Frame,
) -> Result<(), Box<dyn Error>> {
    chart
        .configure_series_labels()
        .position(match frame.rises {
            true => SeriesLabelPosition::UpperLeft,
            false => SeriesLabelPosition::UpperRight,
        })
        .label_font(("sans-serif", 13))
        .legend_area_size(18)
        .margin(6)
        .draw()?;
    Ok(())
}

/// A number, as short as it can be told.
fn number(value: f64) -> String {
    match value.abs() {
        10_000.0.. => format!("{:.0}k", value / 1e3),
        10.0.. => format!("{value:.0}"),
        0.1.. => format!("{}", (value * 100.0).round() / 100.0),
        0.0 => "0".into(),
        _ => format!("{}", (value * 1e4).round() / 1e4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(f64, f64)]) -> Vec<Line> {
        vec![Line { name: "a < line".into(), points: points.to_vec(), marked: true }]
    }

    #[test]
    fn a_chart_has_its_points_levels_and_names() {
        let frame = Frame {
            x: "connections",
            y: "ms",
            log: true,
            level: Some((5.0, "target".into())),
            mark: Some((2.0, "recommended".into())),
            ..Frame::default()
        };
        let points = [(1.0, 100.0), (2.0, 3.0), (3.0, 0.0), (4.0, f64::INFINITY)];
        let svg = chart(&frame, &line(&points)).unwrap();
        assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
        for text in ["target", "recommended", "connections", "a &lt; line"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
    }

    #[test]
    fn nothing_and_one_point_can_be_drawn() {
        assert!(chart(&Frame::default(), &line(&[])).unwrap().contains("Nobody waits"));
        assert!(chart(&Frame::default(), &line(&[(1.0, 0.0)])).unwrap().contains("Nobody waits"));
        assert!(chart(&Frame::default(), &line(&[(1.0, 2.0)])).unwrap().contains("<svg"));
    }

    #[test]
    fn numbers_are_short() {
        let short = [0.0, 0.012_34, 0.5, 4.256, 1_234.5, 20_000.0].map(number);
        assert_eq!(short, ["0", "0.0123", "0.5", "4.26", "1234", "20k"]);
    }
}

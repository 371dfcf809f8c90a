// Command plot draws what "make fleet" counted.
//
//	plot FROM TO    reads FROM/*.json, writes TO/*.svg
package main

import (
	"encoding/json"
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A picture shows one simulation or several, over the minutes that it is about.
type picture struct {
	file, title string
	from, to    int // minutes
	lines       []line
}

// A line is a count of one simulation.
type line struct {
	label, file, field string
	color              color.RGBA
}

var (
	grey  = color.RGBA{0x9a, 0x9a, 0x9a, 0xff}
	blue  = color.RGBA{0x1f, 0x5f, 0xbf, 0xff}
	red   = color.RGBA{0xc0, 0x39, 0x2b, 0xff}
	green = color.RGBA{0x2e, 0x86, 0x57, 0xff}
)

var pictures = []picture{
	{"together", "People who sign in within minutes", 0, 150, []line{
		{"each renewed 6 minutes before its end", "together", "unspread", grey},
		{"tokentoss", "together", "requests", blue},
	}},
	{"evenly", "People who sign in evenly over an hour", 0, 150, []line{
		{"each renewed 6 minutes before its end", "evenly", "unspread", grey},
		{"tokentoss", "evenly", "requests", blue},
	}},
	{"day", "A day", 0, 24 * 60, []line{
		{"each renewed 6 minutes before its end", "day", "unspread", grey},
		{"tokentoss", "day", "requests", blue},
	}},
	{"outage", "A provider that is out of order from minute 75 to 85", 50, 120, []line{
		{"without the outage", "together", "requests", grey},
		{"503", "outage", "requests", blue},
		{"429, Retry-After: 30", "retry-after", "requests", red},
		{"503, and slow afterwards", "slow", "requests", green},
	}},
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: plot FROM TO")
		os.Exit(2)
	}
	for _, p := range pictures {
		if err := p.draw(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "plot:", err)
			os.Exit(1)
		}
	}
}

// draw writes the picture.
func (p picture) draw(from, to string) error {
	out := plot.New()
	out.X.Label.Text, out.Y.Label.Text = "minutes", "token requests a minute"
	out.Legend.Top, out.Legend.Left = true, true // from where a text of any width has room
	out.Legend.Padding = vg.Points(3)
	for _, l := range p.lines {
		counts, people, err := l.read(from)
		if err != nil {
			return err
		}
		out.Title.Text = fmt.Sprintf("%s: %d people", p.title, people)
		var points plotter.XYs
		for minute := p.from; minute < min(p.to, len(counts)); minute++ {
			points = append(points, plotter.XY{X: float64(minute), Y: float64(counts[minute])})
		}
		drawn, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		drawn.Color, drawn.Width, drawn.StepStyle = l.color, vg.Points(1), plotter.PostStep
		out.Add(drawn)
		out.Legend.Add(l.label, drawn)
	}
	out.Y.Min, out.Y.Max = 0, out.Y.Max*1.5
	canvas := vgsvg.New(18*vg.Centimeter, 9*vg.Centimeter)
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())
	out.Draw(draw.Crop(page, vg.Points(4), -vg.Points(8), vg.Points(4), -vg.Points(4)))
	file, err := os.Create(filepath.Join(to, p.file+".svg"))
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(file); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// read returns a count by the minute, and of how many people it is.
func (l line) read(dir string) (counts []int, people int, err error) {
	path := filepath.Join(dir, l.file+".json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	var counted struct {
		People             int
		Requests, Unspread []int
	}
	if err := json.Unmarshal(data, &counted); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	if l.field == "unspread" {
		return counted.Unspread, counted.People, nil
	}
	return counted.Requests, counted.People, nil
}
